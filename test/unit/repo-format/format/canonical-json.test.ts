import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeBytes, isPlainAscii, jsonString } from "../../../../repo-format/format/canonical-json.ts";

test("jsonString escapes as Go's encoder does with HTML escaping", () => {
  assert.equal(jsonString("plain ~"), '"plain ~"');
  assert.equal(jsonString('"\\'), String.raw`"\"\\"`);
  assert.equal(jsonString("\b\f\n\r\t"), String.raw`"\b\f\n\r\t"`);
  assert.equal(jsonString("\u0000\u0001\u000b\u001f"), String.raw`"\u0000\u0001\u000b\u001f"`);
  assert.equal(jsonString("<>&"), String.raw`"\u003c\u003e\u0026"`);
  assert.equal(jsonString("\u2027\u2028\u2029\u202a"), `"\u2027\\u2028\\u2029\u202a"`);
  assert.equal(jsonString("\u007f\u0080é😀\ufffd"), '"\u007f\u0080é😀\ufffd"');
  assert.equal(jsonString("a\ud800b"), '"a\ufffdb"');
});

test("escapeBytes writes each byte that is not UTF-8 as an escaped U+FFFD", () => {
  assert.equal(escapeBytes(Buffer.from("./\xff<", "latin1")), String.raw`./\ufffd\u003c`);
  assert.equal(
    escapeBytes(Buffer.from("\xed\xa0\x80x\xe2\x82", "latin1")),
    String.raw`\ufffd\ufffd\ufffdx\ufffd\ufffd`,
  );
  assert.equal(escapeBytes(Buffer.from("é\u2028\ufffd")), "é\\u2028\ufffd");
  assert.equal(escapeBytes(Buffer.alloc(0)), "");
});

test("isPlainAscii is true exactly for what needs no escape in a name or a string", () => {
  for (let code = 0; code < 0x100; code++) {
    const isPlain = code >= 0x20 && code < 0x7f && !'"\\<>&'.includes(String.fromCharCode(code));
    assert.equal(isPlainAscii(`a${String.fromCharCode(code)}`), isPlain, String(code));
  }
});
