// What the archiver stores must be exactly what restic would have stored: restic checks it, lists it, restores it, takes it
// as the parent of its own backups, and the other way round.
import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { restore } from "../../repo-format/restorer/restore.ts";
import { createBlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { archiveFixture } from "../support/archive-fixture.ts";
import { changeTree } from "../support/change-tree.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { seededBytes } from "../support/memory-repository.ts";
import { writeRandomTree } from "../support/random-tree.ts";

const mebibyte = 1024 * 1024;

for (const version of [1, 2] as const) {
  test(`a tree of everything that a file system allows comes back through restic, version ${version}`, async (t) => {
    const { source, target, backUp, assertSound, restic } = await archiveFixture(t, { version });
    writeRandomTree(source, { seed: `archiver ${version}`, entries: 250, devices: true });
    const result = await backUp();
    assert.equal(result.warningCount, 0, JSON.stringify(result.warnings));
    await assertSound();
    await restic(["restore", "latest", "--target", target]);
    assert.deepEqual(compareTrees(source, target, { root: false }), []);
  });
}

test("the same tree has the same nodes in restic's own backup", async (t) => {
  const ours = await archiveFixture(t);
  const theirs = await archiveFixture(t);
  writeRandomTree(ours.source, { seed: "nodes", entries: 150, devices: true });
  const { snapshotId } = await ours.backUp({ userNames: true });
  await theirs.restic(["backup", "--host", "host-1", "."], { cwd: ours.source });
  const withoutSnapshot = (nodes: Record<string, unknown>[]): Record<string, unknown>[] => {
    return nodes.map(({ struct_type: _, message_type: __, ...node }) => node);
  };
  assert.deepEqual(withoutSnapshot(await ours.listing(snapshotId!)), withoutSnapshot(await theirs.listing("latest")));
});

test("an absolute target and a relative one give the tree that restic makes of them", async (t) => {
  const ours = await archiveFixture(t);
  const theirs = await archiveFixture(t);
  mkdirSync(join(ours.source, "a", "b"), { recursive: true });
  mkdirSync(join(ours.source, "c"));
  writeFileSync(join(ours.source, "a", "b", "file"), "content");
  writeFileSync(join(ours.source, "a", "other"), "other");
  symlinkSync("a", join(ours.source, "link"));
  const targets = [join(ours.source, "a", "b"), join(ours.source, "c"), join(ours.source, "link", "other")];
  const { snapshotId } = await ours.backUp({ targets, relativeRoot: false });
  await theirs.restic(["backup", ...targets]);
  const shown = (nodes: Record<string, unknown>[]): unknown[] =>
    nodes.map(({ path, type, mode }) => [path, type, mode]);
  assert.deepEqual(shown(await ours.listing(snapshotId!)), shown(await theirs.listing("latest")));
  const [snapshot] = (await ours.restic(["snapshots", "--json"])).messages;
  assert.deepEqual(snapshot?.paths, targets);
});

test("on top of restic's snapshot unchanged files are not read, and no data is added", async (t) => {
  const { source, repo, restic, backUp, assertSound, target } = await archiveFixture(t);
  writeRandomTree(source, { seed: "on restic", entries: 150 });
  await restic(["backup", "--host", "host-1", "."], { cwd: source });
  const [snapshot] = (await restic(["snapshots", "--json"])).messages;
  const pool = createBlobWorkerPool(repo, 2);
  t.after(() => pool.close());
  const result = await backUp({ paths: [source], pool });
  assert.equal(result.parentId, snapshot?.id);
  assert.equal(pool.startedThreads, 0, "no file was opened");
  assert.deepEqual([result.summary.dataBlobs, result.summary.filesNew, result.summary.filesChanged], [0, 0, 0]);
  await assertSound();
  await restic(["restore", "latest", "--target", target]);
  assert.deepEqual(compareTrees(source, target, { root: false }), []);
});

test("restic's backup on top of ours adds no data either", async (t) => {
  const { source, restic, backUp, assertSound } = await archiveFixture(t);
  writeRandomTree(source, { seed: "under restic", entries: 150 });
  const { snapshotId } = await backUp({ paths: [source] });
  const { messages } = await restic(["backup", "--json", "--host", "host-1", "."], { cwd: source });
  const summary = messages.find((message) => message.message_type === "summary");
  assert.deepEqual([summary?.data_blobs, summary?.files_new, summary?.files_changed], [0, 0, 0]);
  const snapshots = (await restic(["snapshots", "--json"])).messages;
  assert.equal(snapshots.find(({ id }) => id !== snapshotId)?.parent, snapshotId);
  await assertSound();
});

test("after changes the next backup stores what changed, and restores to what is there", async (t) => {
  const { source, target, backUp, assertSound, restic } = await archiveFixture(t);
  writeRandomTree(source, { seed: "changing", entries: 200 });
  const first = await backUp();
  for (let round = 0; round < 3; round++) {
    changeTree(source, round, 15);
    const result = await backUp();
    assert.ok(result.summary.filesUnmodified > 0 && result.summary.filesUnmodified < first.summary.filesNew);
    assert.ok(result.summary.dataAdded < first.summary.dataAdded / 2);
  }
  await assertSound();
  await restic(["restore", "latest", "--target", target]);
  assert.deepEqual(compareTrees(source, target, { root: false }), []);
});

test("big files, holes and zeros come back, and holes are holes again with --sparse, large ones by restic too", async (t) => {
  const { source, target, repo, backUp, assertSound, restic } = await archiveFixture(t);
  writeFileSync(join(source, "big"), seededBytes("big", 45 * mebibyte));
  writeFileSync(join(source, "zeros"), Buffer.alloc(9 * mebibyte + 5));
  writeFileSync(join(source, "hole"), "");
  truncateSync(join(source, "hole"), 300 * mebibyte + 7);
  writeFileSync(join(source, "holes"), seededBytes("start", 100_000));
  const fd = openSync(join(source, "holes"), "r+");
  writeSync(fd, "in the middle", 70 * mebibyte);
  closeSync(fd);
  truncateSync(join(source, "holes"), 100 * mebibyte);
  linkSync(join(source, "big"), join(source, "big again"));
  const result = await backUp();
  assert.equal(result.summary.filesNew, 5);
  assert.ok(result.summary.dataAdded < 85 * mebibyte, `${result.summary.dataAdded} bytes: zeros are stored once`);
  await assertSound();
  await restic(["restore", "latest", "--sparse", "--target", target]);
  assert.deepEqual(compareTrees(source, target, { root: false }), []);
  // restic leaves out the zeros at the beginning of a blob only: what follows data in the same chunk is written.
  const takes = (name: string): number => lstatSync(join(target, name)).blocks * 512;
  const [largestChunk, blobsWithData] = [8 * mebibyte, 2];
  assert.ok(takes("hole") < mebibyte, `${takes("hole")} bytes for a hole of 300 MiB`);
  assert.ok(
    takes("holes") <= blobsWithData * largestChunk,
    `${takes("holes")} bytes for 100 MiB with two pieces of data`,
  );
  const restored = join(target, "by us");
  mkdirSync(restored);
  const { snapshotId } = result;
  assert.ok(snapshotId);
  await restore(repo, { snapshotId, target: restored, sparse: true, restoreDevices: true, threads: 1 });
  assert.deepEqual(compareTrees(source, restored, { root: false, holes: true }), []);
});

test("a hole of a terabyte costs neither time nor space", async (t) => {
  const { source, backUp, assertSound } = await archiveFixture(t);
  writeFileSync(join(source, "hole"), "");
  truncateSync(join(source, "hole"), 2 ** 40);
  const result = await backUp();
  assert.equal(result.summary.totalBytesProcessed, 2 ** 40);
  assert.equal(result.summary.dataBlobs, 3, "512 KiB, 8 MiB and the rest");
  await assertSound();
});

test("without permission a file is left out with a warning, and the rest is kept", {
  skip: process.getuid?.() === 0 ? "root may read everything" : false,
}, async (t) => {
  const { source, backUp, assertSound } = await archiveFixture(t);
  writeFileSync(join(source, "secret"), "x");
  chmodSync(join(source, "secret"), 0);
  writeFileSync(join(source, "open"), "y");
  const result = await backUp();
  assert.deepEqual(
    result.warnings.map(({ path, kind }) => [path, kind]),
    [["/secret", "unreadable"]],
  );
  assert.equal(result.summary.filesNew, 1);
  await assertSound();
});
