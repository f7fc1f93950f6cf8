import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isZero, mayHaveHoles, nonZeroParts, segmentsOf } from "../../../../repo-format/file-tree/sparse.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;

test("zeros are zeros at every length around the blocks of the comparison", () => {
  for (const length of [0, 1, 4095, 4096, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte]) {
    const bytes = new Uint8Array(length);
    assert.equal(isZero(bytes), true, `${length} zeros`);
    for (const place of [0, length >> 1, length - 1]) {
      if (place < 0 || place >= length) continue;
      bytes[place] = 1;
      assert.equal(isZero(bytes), false, `a one at ${place} of ${length}`);
      bytes[place] = 0;
    }
  }
});

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

test("segments cover a file with holes from its beginning to its end", (t) => {
  const fd = openSync(join(temporaryDirectory(t), "file"), "w+");
  try {
    assert.deepEqual(segmentsOf(fd), []);
    writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, mebibyte);
    ftruncateSync(fd, 2 * mebibyte);
    const segments = segmentsOf(fd);
    let offset = 0;
    for (const segment of segments) {
      assert.equal(segment.offset, offset);
      offset += segment.length;
    }
    assert.equal(offset, 2 * mebibyte);
    if (segments.length === 1) return t.skip("the temporary directory knows no holes");
    assert.deepEqual(segments, [
      { offset: 0, length: mebibyte, isHole: true },
      { offset: mebibyte, length: 4096, isHole: false },
      { offset: mebibyte + 4096, length: mebibyte - 4096, isHole: true },
    ]);
  } finally {
    closeSync(fd);
  }
});

test("a file that takes its size has no holes to look for", () => {
  assert.equal(mayHaveHoles({ size: 4096n, blocks: 8n }), false);
  assert.equal(mayHaveHoles({ size: 4097n, blocks: 8n }), true);
});
