import assert from "node:assert/strict";
import { test } from "node:test";
import { idOf, type TreeId } from "../../../../repo-format/format/id.ts";
import { encodeLockFile } from "../../../../repo-format/format/lock-file.ts";
import { createLock } from "../../../../repo-format/repository/lock-files.ts";
import { findForeignTrace, recordOrigin } from "../../../../repo-format/repository/origin.ts";
import {
  createTestRepository,
  storeBlobs,
  storedKeys,
  storeSnapshot,
  testIdentity,
} from "../../../support/memory-repository.ts";

const tree = idOf<TreeId>(Buffer.from("tree"));

test("recordOrigin notes it once, in a folder of ours, and only before anything is stored", async () => {
  const repo = await createTestRepository();
  assert.equal(await recordOrigin(repo), true);
  assert.equal(await recordOrigin(repo), true);
  assert.equal((await storedKeys(repo.storage, "stowage/origin/")).length, 1);

  for (const use of [
    (other: typeof repo) => storeSnapshot(other, tree),
    (other: typeof repo) => storeBlobs(other, "data", [Buffer.from("blob")]),
  ]) {
    const used = await createTestRepository();
    await used.refreshIndex();
    await use(used);
    assert.equal(await recordOrigin(used), false);
    assert.deepEqual(await storedKeys(used.storage, "stowage/"), []);
  }
});

test("findForeignTrace finds none where a server made the repository and everything in it is ours", async () => {
  const repo = await createTestRepository();
  assert.equal(await findForeignTrace(repo), "it was not made by a Stowage server");
  await recordOrigin(repo);
  await storeSnapshot(repo, tree, { programVersion: "stowage 1.2.3" });
  await createLock(repo, false);
  assert.equal(await findForeignTrace(repo), undefined);
});

test("findForeignTrace names the snapshot or the lock of another program", async () => {
  const repo = await createTestRepository();
  await recordOrigin(repo);
  const lock = { time: "2026-01-01T00:00:00Z", exclusive: false, ...testIdentity, hostname: "laptop", pid: 4711 };
  const lockId = await repo.saveUnpacked("lock", encodeLockFile(lock));
  assert.match((await findForeignTrace(repo)) ?? "", /process 4711 on laptop/);
  await repo.remove("lock", lockId);
  for (const programVersion of ["restic 0.19.1", "", "stowageish 1"]) {
    const id = await storeSnapshot(repo, tree, { programVersion });
    assert.match((await findForeignTrace(repo)) ?? "", new RegExp(`^the snapshot ${id.slice(0, 8)} was made by`));
    await repo.remove("snapshot", id);
  }
  assert.equal(await findForeignTrace(repo), undefined);
});

test("findForeignTrace does not believe the note of another repository", async () => {
  const other = await createTestRepository();
  await recordOrigin(other);
  const [key = ""] = await storedKeys(other.storage, "stowage/origin/");
  const repo = await createTestRepository();
  await repo.storage.put(key, await other.storage.get(key));
  assert.equal(await findForeignTrace(repo), "it was not made by a Stowage server");
});
