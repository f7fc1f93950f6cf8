import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { unwrapUnpacked, wrapsUnpacked, wrapUnpacked } from "../../../../repo-format/format/unpacked.ts";

const json = Buffer.from('{"a":1}');
const reverse = (bytes: Buffer): Buffer => Buffer.from(bytes).reverse();

test("version 1 stores the JSON as it is, and decodes what a process that migrated the repository has stored since", () => {
  assert.equal(wrapUnpacked(1, json, reverse), json);
  assert.equal(unwrapUnpacked(1, json, reverse), json);
  assert.deepEqual(unwrapUnpacked(1, Buffer.of(3, 4), reverse), Buffer.of(3, 4));
  assert.deepEqual(unwrapUnpacked(1, Buffer.of(2, 3, 4), reverse), Buffer.of(4, 3));
});

test("version 2 stores a marker and the compressed JSON", () => {
  const wrapped = wrapUnpacked(2, json, reverse);
  assert.deepEqual(wrapped, Buffer.concat([Buffer.of(2), reverse(json)]));
  assert.deepEqual(unwrapUnpacked(2, wrapped, reverse), json);
});

test("version 2 reads uncompressed JSON and empty files, too", () => {
  assert.equal(unwrapUnpacked(2, json, reverse), json);
  assert.deepEqual(unwrapUnpacked(2, Buffer.from("[1]"), reverse), Buffer.from("[1]"));
  assert.deepEqual(unwrapUnpacked(2, Buffer.alloc(0), reverse), Buffer.alloc(0));
});

test("what was wrapped is told from what was not, in both versions", () => {
  const unpacksTo = (frame: Buffer, plain: Buffer): boolean => reverse(frame).equals(plain);
  for (const version of [1, 2] as const) {
    const wrapped = wrapUnpacked(version, json, reverse);
    assert.equal(wrapsUnpacked(wrapped, json, unpacksTo), true);
    assert.equal(wrapsUnpacked(wrapped, Buffer.from('{"a":2}'), unpacksTo), false);
    assert.equal(wrapsUnpacked(wrapped.subarray(0, -1), json, unpacksTo), false);
  }
});

test("an encoding that nobody knows is refused", () => {
  for (const first of [0, 1, 3, 0x20, 0xff]) {
    assert.throws(
      () => unwrapUnpacked(2, Buffer.of(first, 1), reverse),
      (error) => RepositoryError.is(error, "file-damaged"),
    );
  }
});
