import assert from "node:assert/strict";
import { test } from "node:test";
import { validName } from "../../../../src/api/valid-name.ts";

test("validName keeps names of up to 63 characters", () => {
  assert.equal(validName("short"), "short");
  assert.equal(validName("a".repeat(63)), "a".repeat(63));
});

test("validName cuts longer names to 57 characters and adds 6 digits of their hash, as Velero does", () => {
  const name = "the-really-long-location-name-that-is-much-more-than-63-characters";
  const label = validName(name);
  assert.equal(label.length, 63);
  assert.equal(label.slice(0, 57), name.slice(0, 57));
  assert.equal(label.slice(57), "69e779");
});
