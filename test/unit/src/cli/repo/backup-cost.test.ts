import assert from "node:assert/strict";
import { test } from "node:test";
import { type BackupCost, costLines, costMessage } from "../../../../../src/cli/repo/backup-cost.ts";

const cost: BackupCost = {
  bytesRead: 2048,
  bytesNew: 3000,
  bytesStored: 1000,
  entries: { files: 3, hardLinks: 2, directories: 1, symlinks: 1, devices: 0, fifos: 2, sockets: 1 },
  excludedCount: 0,
  traffic: {
    outcomes: { get: {}, put: {}, list: {}, delete: {}, stat: {} },
    requests: { get: 4, put: 3, list: 2, delete: 0, stat: 1 },
    files: { config: 1, key: 1, lock: 2, snapshot: 2, index: 2, pack: 2, other: 0 },
    bytesSent: 1024,
    bytesReceived: 512,
    failures: 2,
    retries: 1,
  },
  stageSeconds: {
    findingParent: 0.25,
    loadingIndex: 0.5,
    saving: 3.1234567,
    storingPacks: 0.75,
    storingIndex: 1,
    endingThreads: 0.04,
    storingSnapshot: 0.06,
  },
  threadSeconds: { reading: 1.5, sealing: 4 },
  waitSeconds: { threads: 2, store: 0.125 },
  openingSeconds: 0.6,
};

test("the message has every figure once, in snake case and whole milliseconds", () => {
  assert.deepEqual(costMessage(cost), {
    bytes_read: 2048,
    bytes_new: 3000,
    bytes_stored: 1000,
    entries: { files: 3, hard_links: 2, directories: 1, symlinks: 1, devices: 0, fifos: 2, sockets: 1 },
    requests: { get: 4, put: 3, list: 2, delete: 0, stat: 1 },
    requests_by_file: { config: 1, key: 1, lock: 2, snapshot: 2, index: 2, pack: 2, other: 0 },
    failures: 2,
    retries: 1,
    bytes_sent: 1024,
    bytes_received: 512,
    seconds: {
      opening: 0.6,
      finding_parent: 0.25,
      loading_index: 0.5,
      saving: 3.123,
      storing_packs: 0.75,
      storing_index: 1,
      ending_threads: 0.04,
      storing_snapshot: 0.06,
    },
    thread_seconds: { reading: 1.5, sealing: 4 },
    wait_seconds: { threads: 2, store: 0.125 },
  });
});

test("in words: kinds that are there, requests, times", () => {
  assert.deepEqual(costLines(cost), [
    "Read:        2.000 KiB",
    "Entries:     3 files (2 hard links), 1 directory, 1 symlink, 2 FIFOs, 1 socket left out",
    "Requests:    4 get, 3 put, 2 list, 0 delete, 1 stat; 1.000 KiB sent, 512 B received; 1 retry",
    "Time:        opening 0.6 s, parent 0.3 s, index 0.5 s, saving 3.1 s, last packs 0.8 s, new index 1.0 s, snapshot 0.1 s",
    "Threads:     reading 1.5 s, sealing 4.0 s; the walk waited 2.0 s for them, they 0.1 s for the store",
  ]);
  assert.equal(costLines({ ...cost, traffic: undefined }).length, 4);
});
