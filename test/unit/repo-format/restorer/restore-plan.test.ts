import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { packRanges } from "../../../../repo-format/restorer/pack-ranges.ts";
import { fileAction, RestorePlan, shownPath } from "../../../../repo-format/restorer/restore-plan.ts";

const packA = "aa".repeat(32) as PackId;
const packB = "bb".repeat(32) as PackId;

function blobId(number: number): BlobId {
  return number.toString(16).padStart(64, "0") as BlobId;
}

function planWithDirectories(): RestorePlan {
  const plan = new RestorePlan();
  const row = { tree: blobId(0), standing: "absent", isSelected: true, childMayBeSelected: true } as const;
  plan.directories.add({ ...row, parent: -1, name: "" });
  plan.directories.add({ ...row, parent: 0, name: "sub" });
  plan.directories.add({ ...row, parent: 1, name: "d\xffp" });
  return plan;
}

test("paths are put together from the rows above", () => {
  const plan = planWithDirectories();
  plan.addFile(2, "file", 0, fileAction.create);
  assert.equal(plan.directoryPath(0), "");
  assert.equal(plan.directoryPath(2), "/sub/d\xffp");
  assert.equal(plan.filePath(0), "/sub/d\ufffdp/file");
  assert.equal(shownPath(""), "/");
});

test("a file has the parts that were added after it, and counts those that are missing", () => {
  const plan = planWithDirectories();
  const empty = plan.addFile(0, "empty", 0, fileAction.create);
  const file = plan.addFile(0, "file", 110, fileAction.create);
  const first = plan.addPart(blobId(1), { packId: packA, offset: 5, length: 60, uncompressedLength: 100 }, 0);
  const second = plan.addPart(blobId(2), { packId: packB, offset: 7, length: 42, uncompressedLength: 0 }, 100);
  const last = plan.addFile(0, "last", 0, fileAction.create);
  assert.deepEqual(plan.partsOf(empty), { first: 0, end: 0 });
  assert.deepEqual(plan.partsOf(file), { first: 0, end: 2 });
  assert.deepEqual(plan.partsOf(last), { first: 2, end: 2 });
  assert.deepEqual(plan.part(first), {
    id: blobId(1),
    packId: packA,
    packOffset: 5,
    length: 60,
    uncompressedLength: 100,
    plaintextLength: 100,
    file,
    fileOffset: 0,
  });
  assert.equal(plan.plaintextLength(second), 10);
  assert.equal(plan.files.pendingParts.get(file), 2);
  plan.markPresent(first);
  plan.markPresent(first);
  assert.equal(plan.files.pendingParts.get(file), 1);
  assert.deepEqual(
    [...packRanges(plan)].map(({ packId, parts }) => [packId, [...parts]]),
    [[packB, [second]]],
  );
});

test("what is planned can be counted and printed before anything is fetched", () => {
  const plan = planWithDirectories();
  plan.addFile(0, "file", 30, fileAction.create);
  plan.addPart(blobId(1), { packId: packA, offset: 0, length: 42, uncompressedLength: 0 }, 0);
  plan.addPart(blobId(2), { packId: packA, offset: 42, length: 52, uncompressedLength: 0 }, 10);
  assert.deepEqual(
    [...packRanges(plan)].map((range) => ({ ...range, parts: [...range.parts] })),
    [{ packId: packA, offset: 0, length: 94, parts: [0, 1] }],
  );
});
