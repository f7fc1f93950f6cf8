import assert from "node:assert/strict";
import { it } from "node:test";
import { type Libc, libc } from "../../../../repo-format/native/libc.ts";

it("libc has what its prototypes say, and undefined for what it does not have", () => {
  assert.ok(libc !== undefined);
  assert.equal(libc.find("int abs(int value)")?.(-7), 7);
  assert.equal(libc.find("int no_such_function(int value)"), undefined);
});

it("addresses are those of the memory itself", () => {
  const { addressOf } = libc as Libc;
  const memory = Buffer.allocUnsafeSlow(100);
  assert.equal(addressOf(memory.subarray(7)) - addressOf(memory), 7n);
});
