// Prune, forget, tag, init, key changes and restore, of which each call to the store goes wrong in turn.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { SnapshotId } from "../../repo-format/format/id.ts";
import { forget } from "../../repo-format/maintenance/forget.ts";
import { emptyPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { tagSnapshots } from "../../repo-format/maintenance/tag.ts";
import { parseGroupBy } from "../../repo-format/repository/group-snapshots.ts";
import { addKey, changePassword, listKeys, removeKey } from "../../repo-format/repository/keys.ts";
import { initRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import {
  assertTruthful,
  copyStore,
  type SweepAttempt,
  sweepFaults,
  sweepTimings,
  unlock,
} from "../support/fault-sweep.ts";
import type { FaultyStorage } from "../support/faulty-storage.ts";
import {
  cheapKdf,
  collect,
  createTestRepository,
  reopen,
  seededBytes,
  storedKeys,
  testIdentity,
  testPassword,
} from "../support/memory-repository.ts";
import { directory, file, restoreInThread, storeEntries } from "../support/restorer-fixture.ts";
import { makeTemporaryDirectory, removeDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const lock = { retryLockMs: 0, lockTimings: sweepTimings };
const policy = { ...emptyPolicy, last: 1 };

/** Path → content, of each of three backups: the second shares files with the others. */
const backups: readonly Readonly<Record<string, Buffer>>[] = [
  { a: seededBytes("a", 200_000), b: seededBytes("b", 150_000) },
  { b: seededBytes("b", 150_000), c: seededBytes("c", 90_000), "dir/d": seededBytes("d", 70_000) },
  { c: seededBytes("c", 90_000), "dir/d": seededBytes("d", 70_000), e: seededBytes("e", 1000) },
];

async function storeBackup(repo: Repository, files: Readonly<Record<string, Buffer>>): Promise<SnapshotId> {
  const below = (prefix: string): [string, ReturnType<typeof file>][] =>
    Object.entries(files)
      .filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
      .map(([path, content]) => [path.slice(prefix.length), file([content])]);
  const inner = below("dir/");
  return storeEntries(repo, [...below(""), ...(inner.length === 0 ? [] : [["dir", directory(inner)] as const])]);
}

/** Each backup in packs and an index file of its own. */
async function storeBackups(): Promise<{ base: InMemoryStorage; ids: SnapshotId[] }> {
  const base = new InMemoryStorage();
  const repo = await createTestRepository({ storage: base });
  const ids: SnapshotId[] = [];
  for (const files of backups) ids.push(await storeBackup(repo, files));
  return { base, ids };
}

/** Every file of the snapshot has its bytes. */
async function assertContent(repo: Repository, id: SnapshotId, files: Readonly<Record<string, Buffer>>): Promise<void> {
  const target = makeTemporaryDirectory("every-call");
  try {
    const result = await restoreInThread(repo, { snapshotId: id, target });
    assert.equal(result.failure, undefined);
    for (const [path, content] of Object.entries(files)) assert.ok(readFileSync(join(target, path)).equals(content));
  } finally {
    removeDirectory(target);
  }
}

async function snapshotIds(storage: ObjectStorage): Promise<SnapshotId[]> {
  return (await collect((await reopen(storage)).snapshots())).map(({ id }) => id);
}

/** A lock file that cannot be deleted stays; a process that was killed deletes nothing. */
async function assertUnlocked({ storage, kind, failed }: SweepAttempt): Promise<void> {
  if (kind === "killed" || failed?.method === "delete") return;
  assert.deepEqual(await storedKeys(storage, "locks/"), [], "a lock was left behind");
}

test("prune: whichever call goes wrong, the snapshots stay whole, and the next prune completes the work", async () => {
  const { base, ids } = await storeBackups();
  await (await reopen(base)).remove("snapshot", ids[0] as SnapshotId);
  const done = await copyStore(base);
  await prune(await reopen(done), { ...lock, maxUnusedBytes: () => 0 });
  const packsAfter = (await storedKeys(done, "data/")).length;
  await sweepFaults({
    base,
    run: async (storage, signal) => prune(await reopen(storage), { ...lock, maxUnusedBytes: () => 0, signal }),
    judge: async (attempt) => {
      const { storage } = attempt;
      const repo = await assertTruthful(storage);
      for (const number of [1, 2]) await assertContent(repo, ids[number] as SnapshotId, backups[number] ?? {});
      await assertUnlocked(attempt);
      const next = await unlock(storage);
      await prune(next, { ...lock, maxUnusedBytes: () => 0 });
      await assertTruthful(storage);
      assert.equal((await storedKeys(storage, "data/")).length, packsAfter);
    },
  });
});

test("forget with prune: whichever call goes wrong, a snapshot is either there and whole, or gone", async () => {
  const { base, ids } = await storeBackups();
  const options = { ...lock, policy, groupBy: parseGroupBy(""), prune: { maxUnusedBytes: () => 0 } };
  await sweepFaults({
    base,
    kinds: ["refused", "answer lost", "cancelled", "killed"],
    run: async (storage, signal) => forget(await reopen(storage), { ...options, signal }),
    judge: async (attempt) => {
      const { storage } = attempt;
      const repo = await assertTruthful(storage);
      const left = await snapshotIds(storage);
      assert.ok(left.length >= 1 && left.every((id) => ids.includes(id)));
      for (const id of left) await assertContent(repo, id, backups[ids.indexOf(id)] ?? {});
      await assertUnlocked(attempt);
      await forget(await unlock(storage), options);
      assert.equal((await snapshotIds(storage)).length, 1);
      await assertTruthful(storage);
    },
  });
});

test("tag: whichever call goes wrong, every backup still has a snapshot", async () => {
  const { base, ids } = await storeBackups();
  const before = await collect((await reopen(base)).snapshots());
  const options = { ...lock, ids: [ids[0] as SnapshotId, ids[1] as SnapshotId], add: ["new"] };
  await sweepFaults({
    base,
    run: async (storage, signal) => tagSnapshots(await reopen(storage), { ...options, signal }),
    judge: async (attempt) => {
      const { storage } = attempt;
      const repo = await assertTruthful(storage);
      const after = await collect(repo.snapshots());
      for (const { snapshot } of before) assert.ok(after.some((other) => other.snapshot.tree === snapshot.tree));
      await assertUnlocked(attempt);
      await tagSnapshots(await unlock(storage), { ...lock, add: ["new"] });
      const tagged = await collect((await reopen(storage)).snapshots());
      assert.ok(tagged.every(({ snapshot }) => snapshot.tags.includes("new")));
    },
  });
});

const init = (storage: FaultyStorage, signal?: AbortSignal): Promise<Repository> =>
  initRepository({ storage, password: testPassword, identity: testIdentity, kdf: cheapKdf, signal });

test("init: whichever call goes wrong, a second one makes the repository or finds it made", async () => {
  await sweepFaults({
    base: new InMemoryStorage(),
    run: init,
    judge: async ({ storage, isDone }) => {
      if (!isDone) {
        await init(storage).catch((error: unknown) => {
          if (!RepositoryError.is(error, "repository-exists")) throw error;
        });
      }
      const repo = await reopen(storage);
      const id = await storeBackup(repo, backups[0] ?? {});
      await assertContent(await assertTruthful(storage), id, backups[0] ?? {});
      assert.equal((await storedKeys(storage, "keys/")).length, 1);
    },
  });
});

async function opens(storage: ObjectStorage, password: string): Promise<boolean> {
  try {
    await reopen(storage, { password });
    return true;
  } catch (error) {
    if (RepositoryError.is(error, "wrong-password")) return false;
    throw error;
  }
}

test("passwd: whichever call goes wrong, the old password or the new one opens the repository", async () => {
  const { base } = await storeBackups();
  await sweepFaults({
    base,
    run: async (storage) => changePassword(await reopen(storage), "new", { kdf: cheapKdf }),
    judge: async ({ storage, isDone }) => {
      const [old, fresh] = [await opens(storage, testPassword), await opens(storage, "new")];
      assert.ok(old || fresh);
      if (isDone) assert.deepEqual([old, fresh], [false, true]);
      if (!old) return;
      await changePassword(await reopen(storage), "third", { kdf: cheapKdf });
      assert.ok(await opens(storage, "third"));
    },
  });
});

test("key add and remove: whichever call goes wrong, the first password stays", async () => {
  const { base } = await storeBackups();
  await sweepFaults({
    base,
    run: async (storage) => {
      const repo = await reopen(storage);
      const id = await addKey(repo, { password: "second", kdf: cheapKdf });
      await removeKey(repo, id);
    },
    judge: async ({ storage, isDone }) => {
      assert.ok(await opens(storage, testPassword));
      const repo = await reopen(storage);
      for (const { id } of await listKeys(repo)) if (id !== repo.keyId) await removeKey(repo, id);
      if (isDone) assert.equal(await opens(storage, "second"), false);
    },
  });
});

test("restore: whichever call goes wrong, a file has its bytes or is named, and the next restore completes it", async (t) => {
  const { base, ids } = await storeBackups();
  const snapshotId = ids[1] as SnapshotId;
  const files = backups[1] ?? {};
  const folder = temporaryDirectory(t, "every-call");
  let target = "";
  let named = new Set<string>();
  let count = 0;
  await sweepFaults({
    base,
    run: async (storage, signal) => {
      target = join(folder, String(++count));
      const repo = await reopen(storage);
      await repo.refreshIndex(signal);
      const result = await restoreInThread(repo, { snapshotId, target, signal });
      named = new Set(result.warnings.map(({ path }) => path.slice(1)));
    },
    judge: async ({ storage, isDone, kind }) => {
      for (const [path, content] of Object.entries(files)) {
        const isThere = existsSync(join(target, path));
        if (isDone && isThere) assert.ok(readFileSync(join(target, path)).equals(content), path);
        if (isDone && !isThere) assert.ok(named.has(path) || named.has("dir"), `${path} is missing and not named`);
      }
      if (kind === "broken off") assert.ok(isDone || named.size === 0);
      const repo = await reopen(storage);
      await repo.refreshIndex();
      const again = await restoreInThread(repo, { snapshotId, target });
      assert.equal(again.failure, undefined);
      for (const [path, content] of Object.entries(files)) {
        assert.ok(readFileSync(join(target, path)).equals(content), path);
      }
    },
  });
});
