import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { KubeError } from "../../../../src/kube/kube-errors.ts";
import { asCodedError, errorFacts, explainError, messageOf } from "../../../../src/platform/coded-error.ts";
import { ConfigError } from "../../../../src/platform/config-error.ts";

test("every error class of the program has the common shape", () => {
  const errors = [
    new RepositoryError("wrong-password", "no key opens the repository"),
    new KubeError("gone", "too old"),
    new ConfigError("flag-invalid", "bad flag"),
  ];
  for (const error of errors) {
    const coded = asCodedError(error);
    assert.equal(coded?.code, error.code);
    assert.equal(typeof coded?.hint, "string");
    assert.ok(["never", "backoff", "after-refresh"].includes(coded?.retry ?? ""));
  }
});

test("explainError adds the hint, and plain errors stay as they are", () => {
  const error = new RepositoryError("wrong-password", "no key opens the repository");
  assert.equal(explainError(error), "no key opens the repository; check the password, its file or its Secret");
  assert.equal(explainError(new Error("plain")), "plain");
  assert.equal(asCodedError(Object.assign(new Error("x"), { code: "ENOENT" })), undefined);
});

test("messageOf finds words for errors without a message", () => {
  assert.equal(messageOf(new AggregateError([new Error("connect ECONNREFUSED")])), "connect ECONNREFUSED");
  assert.equal(messageOf(Object.assign(new Error(""), { code: "EPIPE" })), "EPIPE");
  assert.equal(messageOf("text"), "text");
});

test("errorFacts shows code, details and cause", () => {
  const error = new KubeError("conflict", "changed", { details: { httpStatus: 409 }, cause: new Error("why") });
  assert.deepEqual(errorFacts(error), { error: "changed", code: "conflict", httpStatus: 409, cause: "why" });
});
