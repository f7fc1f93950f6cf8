import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { IndexId, PackId, SnapshotId } from "../../../../repo-format/format/id.ts";
import { decodePruneMark, encodePruneMark } from "../../../../repo-format/format/prune-mark.ts";

const mark = {
  time: "2026-11-21T10:00:00Z",
  packs: ["a".repeat(64) as PackId, "b".repeat(64) as PackId],
  packBytes: 12_345,
  snapshots: ["c".repeat(64) as SnapshotId],
  indexFiles: ["d".repeat(64) as IndexId],
};

test("a mark survives both ways", () => {
  assert.deepEqual(decodePruneMark(encodePruneMark(mark)), mark);
  const empty = { ...mark, packs: [], snapshots: [], indexFiles: [], packBytes: 0 };
  assert.deepEqual(decodePruneMark(encodePruneMark(empty)), empty);
});

test("a damaged mark is refused", () => {
  const text = encodePruneMark(mark).toString();
  const damaged = [
    "",
    "null",
    "[]",
    text.replace('"time"', '"when"'),
    text.replace("aaaa", "AAAA"),
    text.replace("cccc", "c"),
    text.replace('"packs":[', '"packs":[1,'),
    text.replace("12345", "-1"),
  ];
  for (const bytes of damaged) {
    assert.throws(
      () => decodePruneMark(Buffer.from(bytes)),
      (error) => RepositoryError.is(error, "mark-malformed"),
      bytes,
    );
  }
});
