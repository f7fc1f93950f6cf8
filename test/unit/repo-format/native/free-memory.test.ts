import assert from "node:assert/strict";
import { test } from "node:test";
import { freeMemory } from "../../../../repo-format/native/free-memory.ts";

test("memory of its own is given back, twice is no mistake", () => {
  const bytes = Buffer.allocUnsafeSlow(1000);
  freeMemory(bytes);
  assert.equal(bytes.length, 0);
  freeMemory(bytes);
});

test("a part of other memory, Node's pool and shared memory are left alone", () => {
  const whole = Buffer.alloc(10_000, 7);
  freeMemory(whole.subarray(1));
  freeMemory(whole.subarray(0, 9999));
  assert.equal(whole[9999], 7);
  const pooled = Buffer.from("pooled");
  freeMemory(pooled);
  assert.equal(String(pooled), "pooled");
  const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(5);
  freeMemory(shared);
  assert.equal(shared[7], 5);
  freeMemory(new Uint8Array(0));
});
