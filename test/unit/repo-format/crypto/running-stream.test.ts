import assert from "node:assert/strict";
import { createCipheriv, createSecretKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import { advanceCounter, blocksOf } from "../../../../repo-format/crypto/counter.ts";
import { RunningStream } from "../../../../repo-format/crypto/running-stream.ts";

const key = createSecretKey(randomBytes(32));

function reference(input: Buffer, nonce: Buffer): Buffer {
  return createCipheriv("aes-256-ctr", key, nonce).update(input);
}

test("inputs of all lengths, one behind the other, are those of a new object each", () => {
  const stream = new RunningStream(key, Buffer.alloc(1024));
  const nonce = Buffer.from(`${"ff".repeat(15)}fe`, "hex");
  stream.expectAfter(nonce, 5);
  advanceCounter(nonce, 1);
  for (const length of [1, 15, 16, 17, 0, 1023, 1024, 1025, 65_536, 65_537, 200_003, 3]) {
    const input = randomBytes(length);
    const target = Buffer.alloc(length + 4);
    assert.ok(stream.isAt(nonce));
    stream.crypt(input, target, 2);
    assert.ok(target.subarray(2, length + 2).equals(reference(input, nonce)), `${length} bytes`);
    assert.deepEqual([target[0], target[1], target[length + 2], target[length + 3]], [0, 0, 0, 0]);
    advanceCounter(nonce, Math.max(1, blocksOf(length)));
  }
});

test("a call that failed leaves the stream where it was", () => {
  const stream = new RunningStream(key, Buffer.alloc(64));
  const nonce = randomBytes(16);
  stream.expectAfter(nonce, 0);
  advanceCounter(nonce, 1);
  assert.throws(() => stream.crypt(randomBytes(70_000), Buffer.alloc(10), 0), RangeError);
  const input = randomBytes(100);
  const target = Buffer.alloc(100);
  assert.ok(stream.isAt(nonce));
  stream.crypt(input, target, 0);
  assert.ok(target.equals(reference(input, nonce)));
});
