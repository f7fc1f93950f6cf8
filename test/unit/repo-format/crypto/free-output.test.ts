import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { test } from "node:test";
import { freeOutput } from "../../../../repo-format/crypto/free-output.ts";

test("a cipher's output is freed, a part of something larger is not", () => {
  const output = createCipheriv("aes-256-ctr", randomBytes(32), randomBytes(16)).update(Buffer.alloc(100_000));
  freeOutput(output);
  assert.ok(output.buffer.detached);
  const whole = Buffer.alloc(100_000);
  freeOutput(whole.subarray(1));
  assert.equal(whole.length, 100_000);
});
