import assert from "node:assert/strict";
import { test } from "node:test";
import { nonZeroParts } from "../../../../repo-format/file-tree/sparse.ts";

test("whole blocks of zeros are left out, aligned to the file and not to the piece", () => {
  const bytes = Buffer.alloc(20_000);
  bytes[0] = 1;
  bytes[19_999] = 1;
  assert.deepEqual(nonZeroParts(bytes, 0), [
    { start: 0, end: 4096 },
    { start: 16_384, end: 20_000 },
  ]);
  assert.deepEqual(nonZeroParts(bytes, 100), [
    { start: 0, end: 3996 },
    { start: 16_284, end: 20_000 },
  ]);
});

test("a piece of zeros needs no writing, one without zeros is one part", () => {
  assert.deepEqual(nonZeroParts(Buffer.alloc(10_000), 77), []);
  assert.deepEqual(nonZeroParts(Buffer.alloc(10_000, 1), 77), [{ start: 0, end: 10_000 }]);
  assert.deepEqual(nonZeroParts(Buffer.alloc(0), 0), []);
});
