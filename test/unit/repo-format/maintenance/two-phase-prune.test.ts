// How a two-phase prune goes about its work; that it keeps everything needed is in test/property and test/faults.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, TreeId } from "../../../../repo-format/format/id.ts";
import { prune } from "../../../../repo-format/maintenance/prune.ts";
import { type TwoPhasePruneOptions, twoPhasePrune } from "../../../../repo-format/maintenance/two-phase-prune.ts";
import { createLock } from "../../../../repo-format/repository/lock-files.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { assertTruthful } from "../../../support/fault-sweep.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { reopen, storeBlobs, storedKeys, storeSnapshot } from "../../../support/memory-repository.ts";
import {
  type BuiltRepository,
  buildRepository,
  type RepositorySketch,
  type SketchedPack,
  storedPack,
} from "../../../support/synthetic-repository.ts";

const hourMs = 3_600_000;
const options: TwoPhasePruneOptions = {
  maxUnusedBytes: () => 0,
  retryLockMs: 0,
  lockTimings: { settleMs: 0 },
};
const empty = { files: [], subtrees: [] };

/** Tree 0 (blob 6) uses the data blobs 0 and 1, tree 1 (blob 7) the data blob 2. */
const sketch = (...packs: SketchedPack[]): RepositorySketch => ({
  version: 2,
  trees: [{ files: [0, 1], subtrees: [] }, { files: [2], subtrees: [] }, empty, empty, empty, empty],
  packs,
  snapshots: [0],
});

interface Rig {
  readonly storage: FaultyStorage;
  readonly built: BuiltRepository;
  /** A run of a process of its own, so many hours after the first. */
  readonly run: (hours: number, more?: TwoPhasePruneOptions) => ReturnType<typeof twoPhasePrune>;
}

/** In which blob 0 is stored anew, and the packs of the blobs 2 and 3 are not needed. */
async function makeRig(...packs: SketchedPack[]): Promise<Rig> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const chosen =
    packs.length > 0
      ? packs
      : [storedPack([6, 7]), storedPack([0, 4]), storedPack([1]), storedPack([2]), storedPack([3])];
  const built = await buildRepository(sketch(...chosen), storage);
  await built.repo.saveUnpacked("origin", Buffer.from("{}"));
  const startMs = Date.now();
  const run = async (hours: number, more: TwoPhasePruneOptions = {}): ReturnType<typeof twoPhasePrune> => {
    const repo = await reopen(storage, { clock: () => startMs + hours * hourMs });
    storage.calls.length = 0;
    return await twoPhasePrune(repo, { ...options, ...more });
  };
  return { storage, built, run };
}

function writesOf({ calls }: FaultyStorage): string[] {
  return calls
    .filter(({ method, key }) => (method === "put" || method === "delete") && !key.startsWith("locks/"))
    .map(({ method, key }) => `${method} ${key.slice(0, key.lastIndexOf("/")).replace(/^data.*/, "data")}`);
}

/** Does something just before the run takes its exclusive lock: by then it has given the shared one back. */
function beforeExclusiveLock(storage: FaultyStorage, intrude: () => Promise<unknown>): void {
  let isShared = true;
  storage.plan = ({ method, key }) => {
    if (!isShared || method !== "delete" || !key.startsWith("locks/")) return undefined;
    isShared = false;
    return intrude().then(() => undefined);
  };
}

const snapshotOf = (built: BuiltRepository, repo: Repository, tree: number): Promise<unknown> =>
  storeSnapshot(repo, built.blobs[6 + tree]?.id as TreeId);

describe("the first phase", () => {
  test("stores anew, then marks, and deletes nothing, beside a writer", async () => {
    const { storage, built, run } = await makeRig();
    await createLock(built.repo, false);
    const before = await storedKeys(storage, "data/");
    const { pending, prune: planned, deletion, foreignTrace } = await run(0);
    assert.deepEqual([deletion, foreignTrace], [undefined, undefined]);
    assert.equal(planned?.plan.repack.length, 2, "with the pack of both trees");
    assert.equal(pending[0]?.packs, 4);
    const stored = ["put data", "put data", "put index"];
    assert.deepEqual(writesOf(storage), [...stored, "put stowage/pending-deletions"]);
    const after = new Set(await storedKeys(storage, "data/"));
    assert.ok(before.every((key) => after.has(key)));
  });

  test("marks packs that no index file tells of instead of deleting them: a writer may be about to", async () => {
    const { storage, run } = await makeRig(storedPack([6]), storedPack([0, 1]), storedPack([2], { indexes: [] }));
    const before = await storedKeys(storage, "data/");
    const { pending } = await run(0);
    assert.equal(pending[0]?.packs, 1);
    assert.deepEqual(await storedKeys(storage, "data/"), before);
    await run(24);
    assert.equal((await storedKeys(storage, "data/")).length, before.length - 1);
  });

  test("makes no mark when nothing can go", async () => {
    const { storage, run } = await makeRig(storedPack([6]), storedPack([0, 1]));
    assert.deepEqual((await run(0)).pending, []);
    assert.deepEqual(writesOf(storage), []);
  });

  test("finds the blobs of a snapshot that is made while it plans", async () => {
    const { storage, built, run } = await makeRig(storedPack([6]), storedPack([0, 1]));
    const writer = await reopen(new FaultyStorage(storage.beneath));
    let hasCome = false;
    storage.plan = ({ method, key }) => {
      if (hasCome || method !== "list" || key !== "index/") return undefined;
      hasCome = true;
      const content = [built.blobs[2], built.blobs[7]] as const;
      const store = async (): Promise<void> => {
        await writer.refreshIndex();
        await storeBlobs(writer, "data", [content[0]?.content as Buffer]);
        await storeBlobs(writer, "tree", [content[1]?.content as Buffer]);
        await snapshotOf(built, writer, 1);
      };
      return store();
    };
    await run(0);
    storage.plan = () => undefined;
    assert.ok(hasCome);
    await run(24);
    await assertTruthful(storage);
  });
});

describe("the waiting time", () => {
  test("nothing is planned or deleted while a mark waits; a run after it deletes", async () => {
    const { storage, run } = await makeRig();
    const { pending } = await run(0);
    const waiting = await run(22.9);
    assert.deepEqual(writesOf(storage), []);
    assert.deepEqual([waiting.pending, waiting.prune], [pending, undefined]);
    const { deletion } = await run(23);
    assert.deepEqual([deletion?.outcome, deletion?.deletedPacks, deletion?.sparedPacks], ["deleted", 4, 0]);
    assert.deepEqual(await storedKeys(storage, "stowage/pending-deletions/"), []);
    await assertTruthful(storage);
  });

  test("a dry run tells of the plan and of what is marked, and changes nothing", async () => {
    const { storage, run } = await makeRig();
    await run(0);
    const { prune: planned, pending, isDryRun } = await run(24, { dryRun: true });
    assert.deepEqual([isDryRun, planned?.isDryRun, pending.length], [true, true, 1]);
    assert.deepEqual(writesOf(storage), []);
  });
});

describe("the second phase", () => {
  test("exchanges the index, then deletes packs, then the mark", async () => {
    const { storage, run } = await makeRig();
    await run(0);
    await run(24);
    const index = ["put index", "delete index", "delete index"];
    const packs = ["delete data", "delete data", "delete data", "delete data"];
    assert.deepEqual(writesOf(storage), [...index, ...packs, "delete stowage/pending-deletions"]);
  });

  test("holds the exclusive lock without reading or listing a pack", async () => {
    const { storage, run } = await makeRig();
    await run(0);
    await run(24);
    const { calls } = storage;
    const locks = calls.flatMap(({ method, key }, at) => (method === "put" && key.startsWith("locks/") ? [at] : []));
    const [, exclusive = 0, next = 0] = locks;
    const under = calls.slice(exclusive, next);
    assert.ok(under.some(({ method, key }) => method === "delete" && key.startsWith("data/")));
    const reads = under.filter(({ method, key }) => method !== "delete" && key.startsWith("data/"));
    assert.deepEqual(reads, []);
  });

  test("waits for every lock, whatever its age", async () => {
    const { storage, built, run } = await makeRig();
    await run(0);
    await createLock(await reopen(built.repo.storage, { clock: () => Date.now() + 24 * hourMs }), false);
    await assert.rejects(run(24), (error) => RepositoryError.is(error, "lock-held"));
    assert.deepEqual(writesOf(storage), []);
  });

  test("spares a pack that a snapshot needs which came after the survey", async () => {
    const { storage, built, run } = await makeRig();
    await run(0);
    const writer = await reopen(storage.beneath);
    beforeExclusiveLock(storage, () => snapshotOf(built, writer, 1));
    const { deletion } = await run(24);
    // The new snapshot needs data blob 2; its tree was stored anew or lies in the pack that is spared.
    assert.ok((deletion?.sparedPacks ?? 0) >= 1);
    await assertTruthful(storage);
  });

  test("looks at everything again when index files went between the survey and the lock", async () => {
    const { storage, built, run } = await makeRig();
    await run(0);
    // A snapshot needs blob 2 now, which a marked pack holds, and so do packs that only index files tell of which go.
    const known = new Set(await storedKeys(storage.beneath, "index/"));
    for (let copy = 0; copy < 6; copy++) {
      const writer = await reopen(storage.beneath);
      await storeBlobs(writer, "data", [built.blobs[2]?.content as Buffer]);
    }
    await snapshotOf(built, await reopen(storage.beneath), 1);
    const added = (await storedKeys(storage.beneath, "index/")).filter((key) => !known.has(key));
    assert.equal(added.length, 6);
    beforeExclusiveLock(storage, async () => {
      for (const key of added) await storage.beneath.delete(key);
    });
    const { deletion } = await run(24);
    assert.equal(deletion?.outcome, "deleted");
    assert.ok((deletion?.sparedPacks ?? 0) >= 1);
    await assertTruthful(storage);
  });

  test("drops a mark when an index file that it names is gone, and plans anew", async () => {
    const { storage, run } = await makeRig();
    const first = await run(0);
    const repo = await reopen(storage);
    await storage.beneath.put("index/copy", Buffer.from("not an index file: its name is no id"));
    const [index = ""] = await storedKeys(storage.beneath, "index/");
    const moved = await repo.loadUnpacked("index", index.slice("index/".length) as BlobId);
    await repo.saveUnpacked("index", moved);
    await storage.beneath.delete(index);
    const { deletion, pending } = await run(24);
    assert.deepEqual([deletion?.outcome, deletion?.deletedPacks], ["outdated", 0]);
    assert.equal(pending.length, 1);
    assert.notEqual(pending[0]?.id, first.pending[0]?.id);
    await assertTruthful(storage);
  });

  test("spares a pack whose blobs' other copy is gone from the store", async () => {
    const { storage, run } = await makeRig(storedPack([6]), storedPack([0, 1]), storedPack([0, 1], { indexes: [1] }));
    const { prune: planned } = await run(0);
    const [marked] = planned?.plan.remove ?? [];
    assert.ok(marked !== undefined);
    for (const key of await storedKeys(storage.beneath, "data/")) {
      const size = (await storage.beneath.stat(key)).sizeBytes;
      const isOther = size === (await storage.beneath.stat(keyOf("pack", marked))).sizeBytes;
      if (isOther && key !== keyOf("pack", marked)) await storage.beneath.delete(key);
    }
    await run(24).catch(() => undefined);
    assert.ok((await storedKeys(storage, "data/")).includes(keyOf("pack", marked)));
  });

  test("carries out one mark of several, and deletes the others, also those that cannot be read", async () => {
    const { storage, built, run } = await makeRig();
    await run(0);
    const [key = ""] = await storedKeys(storage, "stowage/pending-deletions/");
    const json = await built.repo.loadUnpacked("mark", key.slice(key.lastIndexOf("/") + 1) as BlobId);
    await built.repo.saveUnpacked("mark", json);
    await storage.beneath.put(`stowage/pending-deletions/${"0".repeat(64)}`, Buffer.from("damaged"));
    const { deletion } = await run(24);
    assert.equal(deletion?.outcome, "deleted");
    assert.deepEqual(await storedKeys(storage, "stowage/pending-deletions/"), []);
    await assertTruthful(storage);
  });
});

describe("where the repository is not ours alone", () => {
  test("the exclusive prune runs, says why, and deletes the marks", async () => {
    const { storage, built, run } = await makeRig();
    await run(0);
    await storeSnapshot(built.repo, built.blobs[7]?.id as TreeId, { programVersion: "restic 0.19.1" });
    const { foreignTrace, deletion, pending } = await run(1);
    assert.match(foreignTrace ?? "", /restic 0\.19\.1/);
    assert.deepEqual([deletion, pending], [undefined, []]);
    assert.deepEqual(await storedKeys(storage, "stowage/pending-deletions/"), []);
    await assertTruthful(storage);
  });

  test("it waits for other locks before it begins", async () => {
    const { built, run } = await makeRig();
    await storeSnapshot(built.repo, built.blobs[6]?.id as TreeId, { programVersion: "restic 0.19.1" });
    await createLock(built.repo, false);
    await assert.rejects(run(0), (error) => RepositoryError.is(error, "lock-held"));
  });
});

describe("the exclusive prune", () => {
  test("tells of marks in a dry run, and deletes them before anything else", async () => {
    const { storage, run } = await makeRig();
    await run(0);
    const repo = await reopen(storage);
    const dryRun = await prune(repo, { ...options, dryRun: true });
    assert.equal(dryRun.pending.length, 1);
    storage.calls.length = 0;
    await prune(repo, options);
    assert.equal(writesOf(storage)[0], "delete stowage/pending-deletions");
    await assertTruthful(storage);
  });
});
