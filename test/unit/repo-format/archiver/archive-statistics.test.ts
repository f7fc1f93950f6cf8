import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArchivedItem, ItemWarning } from "../../../../repo-format/archiver/archive-options.ts";
import { ArchiveStatistics } from "../../../../repo-format/archiver/archive-statistics.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";

const file = (size: number): Node => ({ ...emptyNode(Buffer.from("f"), "file"), size });
const uploaded = { dataBlobs: 1, treeBlobs: 2, dataAddedBytes: 3, dataAddedPackedBytes: 4, waitedSeconds: 0 };

test("files and directories are counted as new, changed or unchanged", () => {
  const items: ArchivedItem[] = [];
  const statistics = new ArchiveStatistics({ onItem: (item) => items.push(item) });
  statistics.addItem("/a", file(5), undefined);
  statistics.addItem("/b", file(6), file(5));
  statistics.addItem("/c", file(7), file(7));
  statistics.addItem("/d", file(8), file(9), true);
  statistics.addItem("/e", emptyNode(Buffer.from("e"), "dir"), undefined);
  const summary = statistics.summary(uploaded, "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z");
  assert.deepEqual(
    [summary.filesNew, summary.filesChanged, summary.filesUnmodified, summary.dirsNew, summary.dirsUnmodified],
    [1, 1, 2, 1, 0],
  );
  assert.deepEqual([summary.totalFilesProcessed, summary.totalBytesProcessed], [4, 26]);
  assert.deepEqual([summary.dataBlobs, summary.treeBlobs, summary.dataAdded, summary.dataAddedPacked], [1, 2, 3, 4]);
  assert.deepEqual(
    items.map(({ action }) => action),
    ["new", "changed", "unchanged", "unchanged", "new"],
  );
});

test("entries are counted by kind, and bytes that were read apart from those that were known", () => {
  const statistics = new ArchiveStatistics({});
  statistics.addItem("/a", { ...file(5), links: 2 }, undefined);
  statistics.addItem("/b", { ...file(5), links: 2 }, undefined);
  statistics.addItem("/c", { ...file(7), links: 1 }, undefined);
  statistics.addItem("/d", { ...emptyNode(Buffer.from("d"), "dir"), links: 3 }, undefined);
  for (const type of ["symlink", "dev", "chardev", "fifo", "socket"] as const) statistics.addOther(type);
  assert.deepEqual(statistics.entries, {
    files: 3,
    directories: 1,
    symlinks: 1,
    devices: 2,
    fifos: 1,
    sockets: 1,
    hardLinks: 2,
  });
  statistics.addReadBytes(12);
  statistics.addKnownBytes(5);
  assert.deepEqual([statistics.bytesRead, statistics.progress([], 0).bytesDone], [12, 17]);
});

test("all warnings are counted and reported, a thousand are kept, and paths are shown as text", () => {
  const reported: ItemWarning[] = [];
  const statistics = new ArchiveStatistics({ onWarning: (warning) => reported.push(warning) });
  for (let count = 0; count < 1500; count++) statistics.warn("/\u00c3\u00a9\u00ff", "vanished", "gone");
  assert.deepEqual([statistics.warningCount, statistics.warnings.length, reported.length], [1500, 1000, 1500]);
  assert.equal(statistics.warnings[0]?.path, "/é\ufffd");
});

test("progress names some of the files that are being read", () => {
  const statistics = new ArchiveStatistics({});
  statistics.addReadBytes(10);
  statistics.addItem("/a", file(10), undefined);
  const paths = Array.from({ length: 20 }, (_, index) => `/f${index}`);
  const progress = statistics.progress(paths, 1.5);
  assert.deepEqual([progress.filesDone, progress.bytesDone, progress.isScanned], [1, 10, false]);
  assert.equal(progress.currentFiles.length, 8);
  statistics.endScan();
  assert.deepEqual(statistics.progress([], 2).totalFiles, 1);
});
