// The repository's disk or the target's is full: the error says so, what is there stays sound, and once there is room the
// next run completes the work.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { SnapshotId } from "../../repo-format/format/id.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import { initRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { restore } from "../../repo-format/restorer/restore.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { compareTrees } from "../support/compare-trees.ts";
import {
  cheapKdf,
  createTestRepository,
  reopen,
  seededBytes,
  testIdentity,
  testPassword,
} from "../support/memory-repository.ts";
import { resticMust } from "../support/restic.ts";
import { smallDisk } from "../support/small-disk.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const lockTimings = { settleMs: 0 };
const isFull = (code: "storage-full" | "target-full") => (error: unknown) => RepositoryError.is(error, code);

/** 12 MiB that cannot be compressed. */
function sourceOf(t: TestContext): string {
  const source = temporaryDirectory(t, "source");
  mkdirSync(join(source, "sub"));
  for (let file = 0; file < 12; file++) writeFileSync(join(source, "sub", `f${file}`), seededBytes(file, mebibyte));
  writeFileSync(join(source, "empty"), "");
  return source;
}

function backUp(repo: Repository, source: string): Promise<ArchiveResult> {
  return withLock(repo, { exclusive: false, timings: lockTimings }, (signal) =>
    archive(repo, { ...backupDefaults(source), signal }),
  );
}

async function assertSound(repository: string): Promise<void> {
  const { stdout } = await resticMust(["check", "--read-data"], { repository, password: testPassword });
  assert.match(stdout, /no errors were found/);
}

function onDisk(path: string): { storage: LocalDirectoryStorage; packSizeBytes: number } {
  return { storage: new LocalDirectoryStorage(path, { create: true }), packSizeBytes: 4 * mebibyte };
}

test("a backup to a disk that fills up ends with storage-full and leaves no snapshot; with room the next one succeeds", async (t) => {
  const disk = smallDisk(t, 20);
  if (disk === undefined) return;
  const source = sourceOf(t);
  for (const roomKib of [300, 1500, 5000, 9000, 12_200]) {
    const path = join(disk.path, "repository");
    const repo = await createTestRepository(onDisk(path));
    disk.fill(roomKib * 1024);
    await assert.rejects(backUp(repo, source), isFull("storage-full"), `${roomKib} KiB`);
    rmSync(join(disk.path, "filler"));
    await assertSound(path);
    // The same process goes on.
    const result = await backUp(repo, source);
    assert.deepEqual([result.summary.filesNew, result.warningCount], [13, 0]);
    await assertSound(path);
    rmSync(path, { recursive: true });
  }
});

test("a repository that finds no room for its first files says so, and can be made there later", async (t) => {
  const disk = smallDisk(t, 2);
  if (disk === undefined) return;
  const path = join(disk.path, "repository");
  const options = { ...onDisk(path), password: testPassword, identity: testIdentity, kdf: cheapKdf };
  await options.storage.prepare();
  disk.fill(0);
  await assert.rejects(initRepository(options), isFull("storage-full"));
  rmSync(join(disk.path, "filler"));
  await initRepository(options);
  await assertSound(path);
});

test("a prune without room for its new packs deletes nothing that is needed", async (t) => {
  const disk = smallDisk(t, 24);
  if (disk === undefined) return;
  const path = join(disk.path, "repository");
  const source = sourceOf(t);
  const repo = await createTestRepository(onDisk(path));
  const first = await backUp(repo, source);
  for (let file = 0; file < 12; file += 2) rmSync(join(source, "sub", `f${file}`));
  const second = await backUp(repo, source);
  await repo.remove("snapshot", first.snapshotId as SnapshotId);
  // The lock still fits.
  disk.fill(64 * 1024);
  await assert.rejects(prune(repo, { maxUnusedBytes: () => 0, lockTimings }), isFull("storage-full"));
  await assertRestores(t, repo, second, source);
  rmSync(join(disk.path, "filler"));
  await assertSound(path);
  await prune(await reopen(new LocalDirectoryStorage(path)), { maxUnusedBytes: () => 0, lockTimings });
  await assertSound(path);
  await assertRestores(t, await reopen(new LocalDirectoryStorage(path)), second, source);
});

test("a restore to a disk that fills up ends with target-full and names the file; with room the next one completes it", async (t) => {
  const disk = smallDisk(t, 8);
  if (disk === undefined) return;
  const source = sourceOf(t);
  const repo = await createTestRepository();
  const { snapshotId } = await backUp(repo, source);
  for (const sparse of [false, true]) {
    disk.resize(8);
    const target = join(disk.path, "target");
    mkdirSync(target);
    writeFileSync(join(target, "mine"), "of somebody else");
    const options = { snapshotId: snapshotId as SnapshotId, target, restoreDevices: false, sparse, threads: 2 };
    await assert.rejects(restore(repo, options), (error: unknown) => {
      assert.ok(isFull("target-full")(error), String(error));
      assert.match((error as Error).message, /\/sub\/f\d+/);
      return true;
    });
    assert.equal(readFileSync(join(target, "mine"), "utf8"), "of somebody else");
    for (let file = 0; file < 12; file++) {
      // Unfinished files are there under their names, but nobody can take them for those of the snapshot.
      const path = join(target, "sub", `f${file}`);
      if (existsSync(path)) assert.deepEqual(compareTrees(source, target, { root: false }).length > 0, true);
    }
    disk.resize(20);
    const again = await restore(repo, options);
    assert.equal(again.failure, undefined);
    rmSync(join(target, "mine"));
    assert.deepEqual(compareTrees(source, target, { root: false }), []);
    rmSync(target, { recursive: true });
  }
});

async function assertRestores(t: TestContext, repo: Repository, result: ArchiveResult, source: string): Promise<void> {
  const target = temporaryDirectory(t, "target");
  await repo.refreshIndex();
  const snapshotId = result.snapshotId as SnapshotId;
  const restored = await restore(repo, { snapshotId, target, restoreDevices: false, threads: 1 });
  assert.equal(restored.failure, undefined);
  assert.deepEqual(compareTrees(source, target, { root: false }), []);
}
