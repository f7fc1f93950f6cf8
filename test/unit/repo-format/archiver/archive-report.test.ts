import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, noEntries, RunMeasures } from "../../../../repo-format/archiver/archive-report.ts";
import { newStorageMeter, trafficOf } from "../../../../repo-format/storage/storage-meter.ts";

const uploaded = { dataBlobs: 1, treeBlobs: 2, dataAddedBytes: 30, dataAddedPackedBytes: 20, waitedSeconds: 0.5 };

test("stages follow each other without gaps, and what was asked of the store before does not count", async () => {
  const meter = newStorageMeter();
  meter.requests.get = 5;
  let nowMs = 100;
  const measures = new RunMeasures({ traffic: (earlier) => trafficOf(meter, earlier) }, () => nowMs);
  measures.stages.enter("findingParent");
  nowMs += 1000;
  measures.stages.enter("saving");
  meter.requests.put = 3;
  const wait = Promise.withResolvers<void>();
  const waiting = measures.waiting.during(wait.promise);
  nowMs += 2000;
  wait.resolve();
  await waiting;
  measures.stages.enter("storingPacks");
  nowMs += 250;
  const report = measures.report({
    statistics: { bytesRead: 40, entries: { ...noEntries(), files: 2 }, excludedCount: 1 },
    uploaded,
    threadSeconds: { reading: 1, sealing: 3 },
  });
  assert.deepEqual(report.stageSeconds, {
    findingParent: 1,
    loadingIndex: 0,
    saving: 2,
    storingPacks: 0.25,
    storingIndex: 0,
    endingThreads: 0,
    storingSnapshot: 0,
  });
  assert.deepEqual(report.traffic?.requests, { get: 0, put: 3, list: 0, delete: 0, stat: 0 });
  assert.deepEqual(report.waitSeconds, { threads: 2, store: 0.5 });
  assert.deepEqual([report.bytesRead, report.bytesNew, report.bytesStored], [40, 30, 20]);
  assert.equal(report.entries.files, 2);
});

test("entries that are neither file nor directory have a count of their own", () => {
  const types = ["symlink", "dev", "chardev", "fifo", "socket", "file", "irregular"] as const;
  const counts = ["symlinks", "devices", "devices", "fifos", "sockets", undefined, undefined];
  assert.deepEqual(types.map(countOf), counts);
});
