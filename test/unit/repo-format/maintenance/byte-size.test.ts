import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { parseByteSize, parseMaxUnused } from "../../../../repo-format/maintenance/byte-size.ts";

const isInvalid = (error: unknown): boolean => RepositoryError.is(error, "argument-invalid");

test("parseByteSize reads whole numbers with a suffix of powers of 1024", () => {
  const sizes = ["0", "500", "500B", "10k", "3M", "1g", "2T"].map(parseByteSize);
  assert.deepEqual(sizes, [0, 500, 500, 10_240, 3 * 1024 ** 2, 1024 ** 3, 2 * 1024 ** 4]);
  for (const text of ["", "1.5G", "-1", "10 M", "M", "1e3", "9999999T"])
    assert.throws(() => parseByteSize(text), isInvalid);
});

test("parseMaxUnused turns a percentage of the whole into a share of the used bytes", () => {
  assert.equal(parseMaxUnused("50%")(1000), 1000);
  assert.equal(parseMaxUnused("5%")(1900), 100);
  assert.equal(parseMaxUnused(" 0% ")(1900), 0);
  assert.deepEqual(
    [".5%", "0.5%", "5.%"].map((text) => parseMaxUnused(text)(19_900)),
    [100, 100, 1047],
  );
  assert.equal(parseMaxUnused("2k")(1), 2048);
  assert.equal(parseMaxUnused("unlimited")(1), Number.POSITIVE_INFINITY);
  for (const text of ["", "%", ".%", "100%", "-5%", "x%", "infinite"])
    assert.throws(() => parseMaxUnused(text), isInvalid);
});
