import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf, type SnapshotId } from "../../../../repo-format/format/id.ts";
import { decodeSnapshot, encodeSnapshot, type Snapshot } from "../../../../repo-format/format/snapshot-file.ts";

const tree = idOf<BlobId>(Buffer.from("tree"));
const parent = idOf<SnapshotId>(Buffer.from("parent"));

const full: Snapshot = {
  time: "2024-01-02T03:04:05.678+01:00",
  parent,
  tree,
  paths: ["/b", "/a<x>"],
  hostname: "velero",
  username: "root",
  uid: 1,
  gid: 2,
  excludes: ["*.o"],
  tags: ["ns=default", "volume=data"],
  original: parent,
  programVersion: "stowage 1.0.0",
  summary: {
    backupStart: "2024-01-02T03:04:05Z",
    backupEnd: "2024-01-02T03:04:06Z",
    filesNew: 1,
    filesChanged: 2,
    filesUnmodified: 3,
    dirsNew: 4,
    dirsChanged: 5,
    dirsUnmodified: 6,
    dataBlobs: 7,
    treeBlobs: 8,
    dataAdded: 9,
    dataAddedPacked: 10,
    totalFilesProcessed: 11,
    totalBytesProcessed: 9_007_199_254_740_991,
  },
  unknown: {},
};

const least: Snapshot = {
  time: "2024-01-02T03:04:05Z",
  tree,
  paths: [],
  hostname: "",
  username: "",
  uid: 0,
  gid: 0,
  excludes: [],
  tags: [],
  programVersion: "",
  unknown: {},
};

test("encodeSnapshot writes restic's keys in restic's order", () => {
  assert.equal(
    encodeSnapshot(full).toString(),
    `{"time":"2024-01-02T03:04:05.678+01:00","parent":"${parent}","tree":"${tree}","paths":["/b","/a\\u003cx\\u003e"],` +
      '"hostname":"velero","username":"root","uid":1,"gid":2,"excludes":["*.o"],"tags":["ns=default","volume=data"],' +
      `"original":"${parent}","program_version":"stowage 1.0.0","summary":{"backup_start":"2024-01-02T03:04:05Z",` +
      '"backup_end":"2024-01-02T03:04:06Z","files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,' +
      '"dirs_changed":5,"dirs_unmodified":6,"data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,' +
      '"total_files_processed":11,"total_bytes_processed":9007199254740991}}',
  );
  assert.equal(encodeSnapshot(least).toString(), `{"time":"2024-01-02T03:04:05Z","tree":"${tree}","paths":[]}`);
});

test("a snapshot survives both ways", () => {
  assert.deepEqual(decodeSnapshot(encodeSnapshot(full)), full);
  assert.deepEqual(decodeSnapshot(encodeSnapshot(least)), least);
});

test("fields of other programs are written back, numbers above 2^53 without loss", () => {
  const extra =
    '"label":"nightly","delete":{"After":"2030-01-01T00:00:00Z"},"big":[18446744073709551615,-1.5],"__proto__":1';
  const stored = `{"time":"2024-01-02T03:04:05Z","tree":"${tree}","paths":null,${extra}}\n`;
  const snapshot = decodeSnapshot(Buffer.from(stored));
  assert.deepEqual(snapshot.paths, []);
  assert.equal(snapshot.unknown.label, "nightly");
  assert.equal(
    encodeSnapshot(snapshot).toString(),
    `{"time":"2024-01-02T03:04:05Z","tree":"${tree}","paths":[],${extra}}`,
  );
});

test("decodeSnapshot refuses what is not a snapshot", () => {
  const good = { time: "2024-01-02T03:04:05Z", tree, paths: ["/"] };
  const bad: readonly unknown[] = [
    null,
    [],
    { ...good, tree: undefined },
    { ...good, tree: "abc" },
    { ...good, time: undefined },
    { ...good, time: "now" },
    { ...good, paths: "/" },
    { ...good, paths: [1] },
    { ...good, parent: "x" },
    { ...good, uid: -1 },
    { ...good, gid: 2 ** 32 },
    { ...good, hostname: 5 },
    { ...good, summary: [] },
    { ...good, summary: {} },
    { ...good, summary: { ...full.summary, backup_start: good.time, backup_end: good.time, files_new: "1" } },
  ];
  for (const value of bad) {
    const bytes = Buffer.from(JSON.stringify(value));
    assert.throws(
      () => decodeSnapshot(bytes),
      (error) => RepositoryError.is(error, "snapshot-malformed"),
      bytes.toString(),
    );
  }
  assert.throws(
    () => decodeSnapshot(Buffer.from('{"time":')),
    (error) => RepositoryError.is(error, "snapshot-malformed"),
  );
});
