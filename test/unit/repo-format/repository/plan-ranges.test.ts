import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { type LocatedBlob, planRanges } from "../../../../repo-format/repository/plan-ranges.ts";

const limits = { maxGapBytes: 100, maxRangeBytes: 1000 };

function blobAt(pack: string, offset: number, length: number): LocatedBlob {
  const location = { packId: pack as PackId, offset, length, uncompressedLength: 0 };
  return { handle: { type: "data", id: `${pack} ${offset}` as BlobId }, location };
}

function shapeOf(blobs: readonly LocatedBlob[]): string[] {
  return planRanges(blobs, limits).map(
    ({ packId, offset, length, blobs: inRange }) => `${packId} ${offset}+${length} ${inRange.length}`,
  );
}

test("planRanges joins blobs whose gap is small enough and splits where it is larger", () => {
  assert.deepEqual(shapeOf([blobAt("a", 0, 50), blobAt("a", 150, 50), blobAt("a", 301, 50)]), [
    "a 0+200 2",
    "a 301+50 1",
  ]);
});

test("planRanges sorts within a pack and keeps packs apart", () => {
  assert.deepEqual(shapeOf([blobAt("b", 60, 40), blobAt("a", 0, 10), blobAt("b", 0, 60)]), ["b 0+100 2", "a 0+10 1"]);
});

test("planRanges ends a range before it grows too long, but never splits a blob", () => {
  assert.deepEqual(shapeOf([blobAt("a", 0, 600), blobAt("a", 600, 600), blobAt("a", 1200, 5000)]), [
    "a 0+600 1",
    "a 600+600 1",
    "a 1200+5000 1",
  ]);
});

test("planRanges reads a blob that is asked for twice once", () => {
  assert.deepEqual(shapeOf([blobAt("a", 0, 50), blobAt("a", 0, 50)]), ["a 0+50 2"]);
});
