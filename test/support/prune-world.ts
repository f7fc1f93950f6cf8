// A small repository in which writers, prunes of all kinds and crashes take turns as a test says, with a model of what
// every snapshot must hold.
import assert from "node:assert/strict";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { BlobHandle } from "../../repo-format/format/blob.ts";
import {
  type BlobId,
  type IndexId,
  idOf,
  type LockId,
  type PackId,
  type SnapshotId,
} from "../../repo-format/format/id.ts";
import { emptyNode } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { type PruneOptions, prune } from "../../repo-format/maintenance/prune.ts";
import { rewriteIndexFiles } from "../../repo-format/maintenance/rewrite-index.ts";
import { type TwoPhasePruneResult, twoPhasePrune } from "../../repo-format/maintenance/two-phase-prune.ts";
import { PackWriter } from "../../repo-format/pack/pack-writer.ts";
import { sealBlob, withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import { createLock } from "../../repo-format/repository/lock-files.ts";
import { recordOrigin } from "../../repo-format/repository/origin.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { usedBlobs } from "../../repo-format/repository/walk-trees.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { FaultyStorage, unavailable } from "./faulty-storage.ts";
import { collect, createTestRepository, reopen, seededBytes, storedKeys, storeSnapshot } from "./memory-repository.ts";
import { seededRandom } from "./seeded-random.ts";

const hourMs = 3_600_000;

/** Data blobs are numbered below this. */
export const worldBlobCount = 8;

/** The write or deletion at which a program dies, counted from 0, and whether that one still reaches the store. */
export interface Crash {
  readonly at: number;
  readonly isDone: boolean;
}

interface Writer {
  readonly repo: Repository;
  readonly lock: LockId;
}

export class PruneWorld {
  readonly storage: InMemoryStorage = new InMemoryStorage();
  readonly #writers = new Map<number, Writer>();
  readonly #snapshots = new Map<SnapshotId, readonly BlobHandle[]>();
  #nowMs: number = Date.now();

  static async create(): Promise<PruneWorld> {
    const world = new PruneWorld();
    await recordOrigin(await createTestRepository({ storage: world.storage }));
    return world;
  }

  get snapshotCount(): number {
    return this.#snapshots.size;
  }

  /** A writer takes a lock and reads the index, which it relies on until it ends. */
  async begin(number: number): Promise<void> {
    if (this.#writers.has(number)) return;
    const repo = await reopen(this.storage);
    const lock = await createLock(repo, false);
    await repo.refreshIndex();
    this.#writers.set(number, { repo, lock });
  }

  /** Stores and indexes what the writer does not know. */
  async save(number: number, blobs: readonly number[]): Promise<void> {
    const writer = this.#writers.get(number);
    if (writer === undefined) return;
    await withBlobUploader(writer.repo, {}, async (uploader) => {
      for (const blob of blobs) await uploader.saveBlob("data", contentOf(blob));
    });
  }

  /** The writer makes a snapshot of these blobs, one a file, and gives its lock back. */
  async finish(number: number, blobs: readonly number[]): Promise<void> {
    const writer = this.#writers.get(number);
    if (writer === undefined) return;
    const nodes = [...new Set(blobs)].sort().map((blob) => {
      const content = [idOf<BlobId>(contentOf(blob))];
      return { ...emptyNode(Buffer.from(`file-${blob}`), "file"), content, size: contentOf(blob).length };
    });
    const leaf = encodeTree(nodes);
    const root = encodeTree([{ ...emptyNode(Buffer.from("dir"), "dir"), subtree: idOf<BlobId>(leaf) }]);
    await withBlobUploader(writer.repo, {}, async (uploader) => {
      for (const blob of blobs) await uploader.saveBlob("data", contentOf(blob));
      for (const tree of [leaf, root]) await uploader.saveBlob("tree", tree);
    });
    const id = await storeSnapshot(writer.repo, idOf<BlobId>(root));
    const trees = [leaf, root].map((tree): BlobHandle => ({ type: "tree", id: idOf<BlobId>(tree) }));
    const data = blobs.map((blob): BlobHandle => ({ type: "data", id: idOf<BlobId>(contentOf(blob)) }));
    this.#snapshots.set(id, [...trees, ...data]);
    await this.#leave(number, writer);
  }

  /** The writer dies, and somebody removes its lock. */
  async die(number: number): Promise<void> {
    const writer = this.#writers.get(number);
    if (writer !== undefined) await this.#leave(number, writer);
  }

  /** Stores blobs that are known a second time, as two writers do that know nothing of each other. */
  async duplicate(blobs: readonly number[]): Promise<void> {
    const repo = await reopen(this.storage);
    await repo.refreshIndex();
    await withBlobUploader(repo, { storeKnown: true }, async (uploader) => {
      for (const blob of new Set(blobs)) await uploader.add(sealBlob(repo, handleOf(blob), contentOf(blob)));
    });
  }

  /** A pack of a writer that died before it could index it. */
  async stray(blobs: readonly number[]): Promise<void> {
    const repo = await reopen(this.storage);
    const writer = new PackWriter(repo.sealer);
    for (const blob of new Set(blobs)) writer.add(sealBlob(repo, handleOf(blob), contentOf(blob)));
    const { id, body } = writer.finish();
    await repo.storage.put(keyOf("pack", id), body);
  }

  /** Removes a snapshot, as `forget` does: only while nobody else is there. */
  async forget(number: number): Promise<void> {
    if (this.#writers.size > 0) return;
    const id = [...this.#snapshots.keys()][number % Math.max(1, this.#snapshots.size)];
    if (id === undefined) return;
    await (await reopen(this.storage)).remove("snapshot", id);
    this.#snapshots.delete(id);
  }

  /** One run of the two-phase prune, so many hours later. @returns undefined when it died or could not get its lock */
  async twoPhase(hours: number, options: PruneOptions, crash?: Crash): Promise<TwoPhasePruneResult | undefined> {
    this.#nowMs += hours * hourMs;
    return await this.#run(this.storage, crash, (repo) => twoPhasePrune(repo, { ...options, ...impatient }));
  }

  /** Two servers that know nothing of each other run it at once; the seed decides whose call comes first, each time. */
  async twoPhaseTwice(hours: number, options: PruneOptions, seed: number): Promise<void> {
    this.#nowMs += hours * hourMs;
    const random = seededRandom(seed);
    const run = async (): Promise<void> => {
      const storage = new FaultyStorage(this.storage);
      storage.plan = () => ticks(random.integer(0, 3));
      const repo = await reopen(storage, { clock: () => this.#nowMs });
      await twoPhasePrune(repo, { ...options, ...impatient }).catch(refuseUnexpected);
    };
    await Promise.all([run(), run()]);
    await this.#removeLeftLocks();
  }

  /** Our exclusive prune. */
  async exclusive(options: PruneOptions, crash?: Crash): Promise<void> {
    await this.#run(this.storage, crash, (repo) => prune(repo, { ...options, ...impatient }));
  }

  /** A prune that knows nothing of marks, keeps whichever copies of blobs it likes, and touches no more than it must. */
  async foreign(seed: number): Promise<void> {
    if (this.#writers.size > 0) return;
    const repo = await reopen(this.storage);
    const roots = (await collect(repo.snapshots())).map(({ snapshot }) => snapshot.tree);
    await repo.refreshIndex();
    const { blobs } = await usedBlobs(repo, roots);
    const random = seededRandom(seed);
    const packs = [...repo.index.packs()].map((pack) => ({ pack, rank: random.fraction() }));
    const removed = new Set<PackId>();
    for (const { pack } of packs.sort((a, b) => a.rank - b.rank)) {
      const hasCopy = (blob: BlobHandle): boolean =>
        repo.index.lookup(blob).some(({ packId }) => packId !== pack.id && !removed.has(packId));
      if (pack.blobs.every((blob) => !blobs.has(blob.type, blob.id) || hasCopy(blob))) removed.add(pack.id);
    }
    const files: IndexId[] = [];
    for (const id of repo.index.fileIds) {
      const json = (await repo.loadUnpacked("index", id)).toString();
      if ([...removed].some((pack) => json.includes(pack))) files.push(id);
    }
    if (files.length > 0) await rewriteIndexFiles(repo, removed, { files });
    for (const id of removed) await repo.remove("pack", id);
  }

  /** Every snapshot has every blob, and knows every blob. */
  async assertWhole(): Promise<void> {
    const repo = await reopen(this.storage);
    const roots = (await collect(repo.snapshots())).map(({ snapshot }) => snapshot.tree);
    assert.equal(roots.length, this.#snapshots.size);
    await repo.refreshIndex();
    assert.deepEqual((await usedBlobs(repo, roots)).missing, []);
    for (const handles of this.#snapshots.values()) for (const handle of handles) await repo.loadBlob(handle);
  }

  /** Everybody goes; then garbage must go, too. */
  async assertGarbageGoes(): Promise<void> {
    for (const number of [...this.#writers.keys()]) await this.die(number);
    const options = { maxUnusedBytes: () => 0 };
    for (let run = 0; run < 4; run++) await this.twoPhase(24, options);
    await this.assertWhole();
    assert.deepEqual(await storedKeys(this.storage, "stowage/pending-deletions/"), []);
    assert.deepEqual(await storedKeys(this.storage, "locks/"), []);
    const { plan, stats } = await prune(await reopen(this.storage), { ...options, ...impatient, dryRun: true });
    assert.deepEqual([plan.remove, plan.forget, plan.removeFirst], [[], [], []]);
    assert.deepEqual([stats.blobs.unused, stats.blobs.duplicate], [0, 0]);
  }

  async #leave(number: number, { repo, lock }: Writer): Promise<void> {
    await repo.remove("lock", lock);
    this.#writers.delete(number);
  }

  async #run<T>(
    storage: ObjectStorage,
    crash: Crash | undefined,
    work: (repo: Repository) => Promise<T>,
  ): Promise<T | undefined> {
    const faulty = new FaultyStorage(storage);
    const repo = await reopen(faulty, { clock: () => this.#nowMs });
    let writes = 0;
    faulty.plan = (call) => {
      if (crash === undefined || (call.method !== "put" && call.method !== "delete")) return undefined;
      writes++;
      if (writes <= crash.at) return undefined;
      if (writes === crash.at + 1 && crash.isDone) return "after";
      throw unavailable(call);
    };
    try {
      return await work(repo);
    } catch (error) {
      refuseUnexpected(error);
      return undefined;
    } finally {
      await this.#removeLeftLocks();
    }
  }

  /** Those of programs that died; as `unlock` does. */
  async #removeLeftLocks(): Promise<void> {
    const live = new Set([...this.#writers.values()].map(({ lock }) => keyOf("lock", lock)));
    for (const key of await storedKeys(this.storage, "locks/")) if (!live.has(key)) await this.storage.delete(key);
  }
}

const impatient = {
  retryLockMs: 0,
  lockTimings: { settleMs: 0, releaseMs: 1000, unreadablePausesMs: [0] },
} as const;

function refuseUnexpected(error: unknown): void {
  const isExpected = RepositoryError.is(error, "lock-held") || RepositoryError.is(error, "storage-unavailable");
  if (!isExpected) throw error;
}

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise((resolve) => setImmediate(resolve));
}

function contentOf(blob: number): Buffer {
  return seededBytes(blob, 20 + blob * 50);
}

function handleOf(blob: number): BlobHandle {
  return { type: "data", id: idOf<BlobId>(contentOf(blob)) };
}
