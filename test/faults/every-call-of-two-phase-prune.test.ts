// Both phases of a two-phase prune, of which each call to the store goes wrong in turn.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, SnapshotId, TreeId } from "../../repo-format/format/id.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { type TwoPhasePruneOptions, twoPhasePrune } from "../../repo-format/maintenance/two-phase-prune.ts";
import { recordOrigin } from "../../repo-format/repository/origin.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { assertTruthful, type SweepAttempt, sweepFaults, sweepTimings, unlock } from "../support/fault-sweep.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../support/memory-repository.ts";
import { fileNode } from "../support/sample-trees.ts";

const options: TwoPhasePruneOptions = {
  retryLockMs: 0,
  lockTimings: sweepTimings,
  maxUnusedBytes: () => 0,
  waitMs: 0,
};

/** Each with packs and index files of its own; what the next one shares with it is not stored again. */
async function storeBackup(repo: Repository, contents: readonly number[]): Promise<SnapshotId> {
  await repo.refreshIndex();
  const ids = await storeBlobs(
    repo,
    "data",
    contents.map((number) => seededBytes(number, 2000 + number)),
  );
  const tree = encodeTree(ids.map((id: BlobId, place) => ({ ...fileNode(`file-${place}`, [id]) })));
  const [root] = await storeBlobs(repo, "tree", [tree]);
  return await storeSnapshot(repo, root as TreeId);
}

/** The first backup is forgotten: one of its packs is needed in part, others are not. */
async function storeBackups(): Promise<InMemoryStorage> {
  const base = new InMemoryStorage();
  const repo = await createTestRepository({ storage: base });
  await recordOrigin(repo);
  const first = await storeBackup(repo, [1, 2, 3]);
  await storeBackup(repo, [3, 4]);
  await repo.remove("snapshot", first);
  return base;
}

async function assertUnlocked({ storage, kind, failed }: SweepAttempt): Promise<void> {
  if (kind === "killed" || failed?.method === "delete") return;
  assert.deepEqual(await storedKeys(storage, "locks/"), [], "a lock was left behind");
}

/** Three more runs: what an earlier run left may be marked by the first, deleted by the second and marked anew. */
async function assertFinishes(storage: ObjectStorage): Promise<void> {
  for (let run = 0; run < 3; run++) await twoPhasePrune(await unlock(storage), options);
  const repo = await assertTruthful(storage);
  assert.deepEqual(await storedKeys(storage, "stowage/pending-deletions/"), []);
  const { stats, plan } = await prune(repo, { ...options, dryRun: true });
  assert.deepEqual([stats.blobs.unused, stats.blobs.duplicate], [0, 0]);
  assert.deepEqual([plan.removeFirst, plan.remove, plan.forget], [[], [], []]);
}

async function sweep(base: InMemoryStorage): Promise<void> {
  const calls = await sweepFaults({
    base,
    // A death before a call is a refusal without the clean-up.
    kinds: ["answer lost", "broken off", "cancelled", "killed"],
    run: async (storage, signal) => twoPhasePrune(await reopen(storage), { ...options, signal }),
    judge: async (attempt) => {
      await assertTruthful(attempt.storage);
      await assertUnlocked(attempt);
      await assertFinishes(attempt.storage);
    },
  });
  assert.ok(calls > 20, `only ${calls} calls were tried`);
}

test("two-phase prune, planning and marking: whichever call goes wrong, nothing is lost and the next runs finish", async () => {
  await sweep(await storeBackups());
});

test("two-phase prune, deleting what is marked: whichever call goes wrong, nothing is lost and the next runs finish", async () => {
  const base = await storeBackups();
  const { prune: marked } = await twoPhasePrune(await reopen(base), options);
  assert.deepEqual([marked?.plan.repack.length, marked?.plan.remove.length], [1, 1]);
  // A backup that came since needs one of the marked packs: it is spared.
  await storeBackup(await reopen(base), [1, 5]);
  await sweep(base);
});
