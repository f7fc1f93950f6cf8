import assert from "node:assert/strict";
import { test } from "node:test";
import { errorOfStatus, KubeError } from "../../../../src/kube/kube-errors.ts";

test("every refusal of the API server gets its code", () => {
  const cases = [
    [401, {}, "unauthorized"],
    [403, {}, "forbidden"],
    [404, { details: { name: "x" } }, "not-found"],
    [404, {}, "no-such-resource"],
    [409, { reason: "AlreadyExists" }, "already-exists"],
    [409, { reason: "Conflict" }, "conflict"],
    [410, {}, "gone"],
    [422, {}, "invalid"],
    [429, {}, "unavailable"],
    [503, {}, "unavailable"],
  ] as const;
  for (const [httpStatus, status, code] of cases) {
    assert.equal(errorOfStatus(httpStatus, status, "get pods x").code, code, `${httpStatus}`);
  }
});

test("the message names the action and repeats what the server said", () => {
  const error = errorOfStatus(403, { message: "pods is forbidden" }, "list pods");
  assert.equal(error.message, "cannot list pods: pods is forbidden");
  assert.ok(KubeError.is(error, "forbidden"));
  assert.ok(!KubeError.is(error, "gone"));
  assert.ok(!KubeError.is(new Error("x")));
});

test("the pause that the server asks for is kept", () => {
  const error = errorOfStatus(429, { details: { retryAfterSeconds: 7 } }, "list pods");
  assert.equal(error.retryAfterSeconds, 7);
});
