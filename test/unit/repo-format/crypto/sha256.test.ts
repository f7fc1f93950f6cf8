import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { sha256Into } from "../../../../repo-format/crypto/sha256.ts";

test("the hash goes to the memory that was given, wherever it lies", () => {
  const bytes = randomBytes(1000);
  const ids = Buffer.alloc(96);
  sha256Into(bytes, ids.subarray(32, 64));
  assert.deepEqual(ids.subarray(32, 64), createHash("sha256").update(bytes).digest());
  assert.deepEqual(Buffer.concat([ids.subarray(0, 32), ids.subarray(64)]), Buffer.alloc(64));
});
