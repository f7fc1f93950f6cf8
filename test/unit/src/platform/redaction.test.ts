import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretValues } from "../../../../src/platform/redaction.ts";

test("redact takes out registered values, also where they were written as JSON", () => {
  const secrets = new SecretValues();
  secrets.add('pass"word with quote');
  secrets.add("another.secret(1)");
  assert.equal(secrets.redact('got pass"word with quote'), "got [redacted]");
  assert.equal(secrets.redact(JSON.stringify({ value: 'pass"word with quote' })), '{"value":"[redacted]"}');
  assert.equal(secrets.redact("x another.secret(1) y"), "x [redacted] y");
});

test("redact takes out user names and passwords in URLs", () => {
  const secrets = new SecretValues();
  assert.equal(secrets.redact("rest:https://user:word@host/path"), "rest:https://[redacted]@host/path");
});

test("values shorter than six characters are not blotted out", () => {
  const secrets = new SecretValues();
  secrets.add("data");
  assert.equal(secrets.redact("no data here"), "no data here");
});

test("redact takes a moment for a long word, too: a megabyte without a space", () => {
  const word = "x".repeat(1 << 20);
  assert.equal(new SecretValues().redact(word), word);
});
