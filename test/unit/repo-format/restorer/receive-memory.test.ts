import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceiveMemory, withReceiveMemory } from "../../../../repo-format/restorer/receive-memory.ts";

const mebibyte: number = 1024 * 1024;

test("memory that came back is given out again for ranges of about its size", () => {
  const memory = new ReceiveMemory(20 * mebibyte);
  const first = memory.take(5 * mebibyte - 1);
  assert.equal(first.length, 5 * mebibyte);
  memory.give(first.subarray(0, 10));
  assert.equal(memory.take(mebibyte).buffer === first.buffer, false, "it would waste four fifths of it");
  assert.equal(memory.take(6 * mebibyte).buffer === first.buffer, false, "it would not fit");
  assert.equal(memory.take(4 * mebibyte).buffer, first.buffer);
});

test("what is kept and what is taken stay below the limit together", () => {
  const memory = new ReceiveMemory(10 * mebibyte);
  const taken = [1, 2, 3, 4].map((size) => memory.take(size * mebibyte));
  for (const part of taken) memory.give(part);
  assert.equal(memory.spareBytes, 10 * mebibyte);
  const large = memory.take(9 * mebibyte);
  assert.equal(memory.spareBytes, 0);
  assert.deepEqual(
    taken.map(({ buffer }) => buffer.detached),
    [true, true, true, true],
  );
  memory.give(large);
  assert.equal(memory.spareBytes, 9 * mebibyte);
});

test("restores that share a budget share memory, which is freed when the last one ends", async () => {
  const budget = { limitBytes: 8 * mebibyte };
  let kept: Uint8Array | undefined;
  await withReceiveMemory(budget, async (outer) => {
    await withReceiveMemory(budget, async (inner) => {
      assert.equal(inner, outer);
      kept = inner.take(mebibyte);
      inner.give(kept as Uint8Array<ArrayBuffer>);
    });
    assert.equal(kept?.buffer.byteLength, mebibyte);
  });
  assert.equal(kept?.buffer.byteLength, 0);
  await assert.rejects(
    withReceiveMemory(budget, () => Promise.reject(new Error("broken"))),
    /broken/,
  );
});
