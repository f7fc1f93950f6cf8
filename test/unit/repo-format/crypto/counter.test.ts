import assert from "node:assert/strict";
import { test } from "node:test";
import { advanceCounter, blocksOf, isSameCounter } from "../../../../repo-format/crypto/counter.ts";

function numberOf(counter: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(counter).toString("hex")}`);
}

test("a counter advances as a number of 128 bits does, and wraps around", () => {
  for (const start of [
    "00",
    "fe",
    "ff".repeat(6),
    `${"ff".repeat(15)}f0`,
    "ff".repeat(16),
    "0123456789abcdef00ffffffffffffff",
  ]) {
    for (const blocks of [0, 1, 2, 255, 256, 65_535, 524_288, 2 ** 40 + 7]) {
      const counter = Buffer.from(start.padStart(32, "0"), "hex");
      const expected = BigInt.asUintN(128, numberOf(counter) + BigInt(blocks));
      advanceCounter(counter, blocks);
      assert.equal(numberOf(counter), expected);
    }
  }
});

test("counters are the same when all bytes are", () => {
  const counter = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");
  assert.ok(isSameCounter(counter, Buffer.from(counter)));
  for (const at of counter.keys()) {
    const other = Buffer.from(counter);
    other[at] = 0xff;
    assert.ok(!isSameCounter(counter, other));
  }
});

test("a part of a block takes a whole one", () => {
  assert.deepEqual([0, 1, 16, 17, 32, 1_048_577].map(blocksOf), [0, 1, 1, 2, 2, 65_537]);
});
