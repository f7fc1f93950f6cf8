// Whatever a repository looks like, a prune keeps every blob that a snapshot leads to, also when it is stopped at any of
// its writes and deletions; and when it refuses, it has changed nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RepositoryError } from "../../repo-format/errors.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { type PruneOptions, prune, pruneLocked } from "../../repo-format/maintenance/prune.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { reopen, storedKeys } from "../support/memory-repository.ts";
import {
  type BuiltRepository,
  buildRepository,
  dataBlobCount,
  type RepositorySketch,
  treeCount,
  unreadable,
} from "../support/synthetic-repository.ts";

const runs = Number(process.env.STOWAGE_PROPERTY_RUNS ?? "250");
const lockTimings = { settleMs: 0 };

const dataNumbers = fc.array(fc.nat(dataBlobCount - 1), { maxLength: 3 });
const treeNumbers = fc.array(fc.nat(treeCount - 1), { maxLength: 2 });

function packOf(options: { missing: boolean }): fc.Arbitrary<RepositorySketch["packs"][number]> {
  return fc.record({
    blobs: fc.array(fc.record({ number: fc.nat(dataBlobCount + treeCount - 1), isCompressed: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
    indexes: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom([0], [1]) },
      { weight: 1, arbitrary: fc.constantFrom([], [0, 1]) },
    ),
    isStored: options.missing
      ? fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false))
      : fc.constant(true),
  });
}

/** `complete`: some pack of the index holds every blob, so that nothing is missing. */
function sketches(options: { complete: boolean }): fc.Arbitrary<RepositorySketch> {
  const everything: RepositorySketch["packs"] = [0, 1, 2].map((third) => ({
    blobs: Array.from({ length: (dataBlobCount + treeCount) / 3 }, (_, index) => ({
      number: index * 3 + third,
      isCompressed: true,
    })),
    indexes: [2],
    isStored: true,
  }));
  return fc
    .record({
      version: fc.constantFrom<1 | 2>(1, 2),
      trees: fc.array(fc.record({ files: dataNumbers, subtrees: treeNumbers }), {
        minLength: treeCount,
        maxLength: treeCount,
      }),
      packs: fc.array(packOf({ missing: !options.complete }), { maxLength: 14 }),
      snapshots: fc.array(fc.nat(treeCount - 1), { maxLength: 3 }),
      holdsAll: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ holdsAll, packs, ...sketch }) => {
      const isComplete = options.complete || holdsAll > 0;
      return { ...sketch, packs: isComplete ? [...packs, ...everything] : packs };
    });
}

const pruneOptions: fc.Arbitrary<PruneOptions> = fc.record({
  maxUnusedBytes: fc.constantFrom(
    () => 0,
    (used: number) => used / 20,
    () => Number.POSITIVE_INFINITY,
  ),
  maxRepackBytes: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 2000),
  smallPackBytes: fc.constantFrom(0, 500),
  repackCacheableOnly: fc.boolean(),
  lockTimings: fc.constant(lockTimings),
});

async function assertSound(storage: ObjectStorage, built: BuiltRepository): Promise<void> {
  const repo = await reopen(storage);
  const result = await check(repo, { readData: { kind: "all" }, lockTimings });
  assert.deepEqual(
    result.findings.filter(({ severity }) => severity === "error"),
    [],
  );
  assert.deepEqual(await unreadable(repo, built), []);
}

test("prune keeps every reachable blob, or refuses and changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(sketches({ complete: false }), pruneOptions, async (sketch, options) => {
      const storage = new InMemoryStorage();
      const built = await buildRepository(sketch, storage);
      const keys = await storedKeys(storage);
      try {
        await prune(built.repo, options);
      } catch (error) {
        assert.ok(RepositoryError.is(error), String(error));
        assert.ok(["index-incomplete", "pack-missing"].includes(error.code), error.code);
        assert.deepEqual(await storedKeys(storage), keys);
        return;
      }
      await assertSound(storage, built);
      const again = await prune(await reopen(storage), options);
      assert.deepEqual(again.plan.removeFirst, []);
      assert.deepEqual(again.plan.forget, []);
    }),
    { numRuns: runs },
  );
});

test("prune without tolerance leaves nothing that is not needed, and nothing for a second prune", async () => {
  await fc.assert(
    fc.asyncProperty(sketches({ complete: true }), async (sketch) => {
      const storage = new InMemoryStorage();
      const built = await buildRepository(sketch, storage);
      const options = { maxUnusedBytes: () => 0, lockTimings };
      const dryRun = await prune(built.repo, { ...options, dryRun: true });
      const { stats } = await prune(built.repo, options);
      assert.deepEqual(stats, dryRun.stats, "the dry run told what would happen");
      await assertSound(storage, built);
      const result = await check(await reopen(storage), { findUnused: true, lockTimings });
      assert.deepEqual(
        result.findings.filter(({ code }) => code !== "index-duplicate-pack"),
        [],
      );
      const { stats: left, plan } = await prune(await reopen(storage), options);
      assert.deepEqual([left.blobs.unused, left.blobs.duplicate, left.blobs.used], [0, 0, built.reachable.size]);
      assert.deepEqual([plan.remove, plan.forget, plan.removeFirst], [[], [], []]);
    }),
    { numRuns: runs },
  );
});

test("prune that is stopped at any write or deletion leaves a sound repository, which the next prune finishes", async () => {
  await fc.assert(
    fc.asyncProperty(
      sketches({ complete: true }),
      pruneOptions,
      fc.nat(25),
      fc.boolean(),
      async (sketch, options, step, isDone) => {
        const storage = new InMemoryStorage();
        const built = await buildRepository(sketch, storage);
        const faulty = new FaultyStorage(storage);
        const victim = await reopen(faulty);
        let writes = 0;
        faulty.plan = (call) => {
          if (call.method !== "put" && call.method !== "delete") return undefined;
          writes++;
          if (writes <= step) return undefined;
          // The last call before the end may or may not have reached the store.
          if (writes === step + 1 && isDone) return "after";
          throw unavailable(call);
        };
        await pruneLocked(victim, options).catch((error: unknown) => {
          assert.ok(RepositoryError.is(error, "storage-unavailable"), String(error));
        });
        await assertSound(storage, built);
        await prune(await reopen(storage), { maxUnusedBytes: () => 0, lockTimings });
        await assertSound(storage, built);
        const result = await check(await reopen(storage), { findUnused: true, lockTimings });
        assert.deepEqual(
          result.findings.filter(({ code }) => code !== "index-duplicate-pack"),
          [],
        );
      },
    ),
    { numRuns: runs },
  );
});
