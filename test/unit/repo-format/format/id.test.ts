import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { idFromBytes, idOf, idToBytes, isId, parseId, shortId } from "../../../../repo-format/format/id.ts";

const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("idOf is the SHA-256 in lower-case hex", () => {
  assert.equal(idOf(Buffer.from("abc")), abc);
});

test("parseId takes 64 lower-case hex digits and nothing else", () => {
  assert.equal(parseId(abc), abc);
  for (const text of ["", abc.slice(1), `${abc}0`, abc.toUpperCase(), `${abc.slice(1)}g`, `${abc}\n`]) {
    assert.equal(isId(text), false, JSON.stringify(text));
    assert.throws(
      () => parseId(text),
      (error) => RepositoryError.is(error, "argument-invalid"),
    );
  }
});

test("bytes and text of an id convert into each other, at any offset", () => {
  const bytes = Buffer.concat([Buffer.from("xyz"), idToBytes(parseId(abc)), Buffer.from("!")]);
  assert.equal(idFromBytes(bytes, 3), abc);
  assert.equal(idFromBytes(new Uint8Array(bytes).subarray(3)), abc);
  assert.throws(() => idFromBytes(bytes, 5), RangeError);
});

test("shortId shows the first eight digits", () => {
  assert.equal(shortId(abc), "ba7816bf");
});
