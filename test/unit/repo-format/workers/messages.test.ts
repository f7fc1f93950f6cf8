import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { deserializeError, idsOf, serializeError } from "../../../../repo-format/workers/messages.ts";

test("the engine's errors keep code, message and details across a thread", () => {
  const error = new RepositoryError("blob-damaged", "it is damaged", { details: { blob: "x" } });
  const crossed = deserializeError(structuredClone(serializeError(error)));
  assert.ok(RepositoryError.is(crossed, "blob-damaged"));
  assert.equal(crossed.message, "it is damaged");
  assert.deepEqual(crossed.details, { blob: "x" });
});

test("any other error arrives as the failure of the worker", () => {
  const crossed = deserializeError(structuredClone(serializeError(new TypeError("x is not a function"))));
  assert.ok(RepositoryError.is(crossed, "worker-failed"));
  assert.match(crossed.message, /x is not a function/);
});

test("ids that lie back to back become text, one by one", () => {
  const bytes = Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 0xab)]);
  assert.deepEqual(idsOf(bytes), ["01".repeat(32), "ab".repeat(32)]);
  assert.deepEqual(idsOf(Buffer.alloc(0)), []);
});
