import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerCaseBytes } from "../../../../repo-format/file-tree/lower-case.ts";

function lower(text: string): string {
  return Buffer.from(lowerCaseBytes(Buffer.from(text).toString("latin1")), "latin1").toString();
}

test("each character is lowered by itself, one to one", () => {
  assert.equal(lower("ABC xyz 09"), "abc xyz 09");
  assert.equal(lower("ÄÖÜ ΟΔΟΣ Ж 😀"), "äöü οδοσ ж 😀");
  assert.equal(lower("İ"), "i");
});

test("each byte that is no UTF-8 becomes U+FFFD", () => {
  const text = Buffer.from([0x41, 0xff, 0xe2, 0x82, 0x42]).toString("latin1");
  assert.equal(Buffer.from(lowerCaseBytes(text), "latin1").toString(), "a\ufffd\ufffd\ufffdb");
});
