// How a prune goes about its work; that it keeps everything needed is in test/property.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { check } from "../../../../repo-format/maintenance/check.ts";
import { type PruneOptions, prune } from "../../../../repo-format/maintenance/prune.ts";
import { withLock } from "../../../../repo-format/repository/lock.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../../../support/memory-repository.ts";
import { fileNode } from "../../../support/sample-trees.ts";
import {
  buildRepository,
  type RepositorySketch,
  type SketchedPack,
  storedPack,
  unreadable,
} from "../../../support/synthetic-repository.ts";

const options: PruneOptions = { maxUnusedBytes: () => 0, lockTimings: { settleMs: 0 } };
const empty = { files: [], subtrees: [] };

/** Tree 0 (blob 6) uses the data blobs 0 and 1. */
const sketch = (...packs: SketchedPack[]): RepositorySketch => ({
  version: 2,
  trees: [{ files: [0, 1], subtrees: [] }, empty, empty, empty, empty, empty],
  packs,
  snapshots: [0],
});

describe("prune", () => {
  test("prune deletes unindexed packs, then stores, then replaces the index, then deletes the other packs", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const { repo } = await buildRepository(
      sketch(storedPack([6]), storedPack([0, 2]), storedPack([1]), storedPack([3]), storedPack([4], { indexes: [] })),
      storage,
    );
    storage.calls.length = 0;
    await prune(repo, options);
    const writes = storage.calls
      .filter(({ method, key }) => (method === "put" || method === "delete") && !key.startsWith("locks/"))
      .map(({ method, key }) => `${method} ${key.split("/")[0]}`);
    const index = ["put index", "put index", "delete index", "delete index"];
    assert.deepEqual(writes, ["delete data", "put data", ...index, "delete data", "delete data"]);
  });

  test("prune keeps a blob whose other copy lies in a pack that is gone", async () => {
    const built = await buildRepository(
      sketch(storedPack([6]), storedPack([0, 1, 2]), storedPack([0, 3], { indexes: [1], isStored: false })),
    );
    const result = await prune(built.repo, options);
    assert.deepEqual([result.plan.repack.length, result.plan.forget.length], [1, 1]);
    assert.deepEqual(await unreadable(built.repo, built), []);
  });

  test("prune takes another copy of a blob that is damaged in the pack to be repacked", async () => {
    const built = await buildRepository(sketch(storedPack([6]), storedPack([0, 1, 2]), storedPack([0, 3])));
    await built.repo.refreshIndex();
    const blob = built.blobs[0];
    const [chosen] = built.repo.index.lookup({ type: "data", id: blob?.id as BlobId });
    const key = `data/${chosen?.packId.slice(0, 2)}/${chosen?.packId}`;
    const bytes = await built.repo.storage.get(key);
    bytes[(chosen?.offset ?? 0) + 18] = (bytes[(chosen?.offset ?? 0) + 18] ?? 0) ^ 1;
    await built.repo.storage.put(key, bytes);
    await prune(built.repo, options);
    assert.deepEqual(await unreadable(built.repo, built), []);
    const result = await check(built.repo, { readData: { kind: "all" }, lockTimings: { settleMs: 0 } });
    assert.deepEqual(result.findings, []);
  });

  test("prune refuses when a needed blob is in no index file, and changes nothing", async () => {
    const { repo } = await buildRepository(sketch(storedPack([6]), storedPack([0, 2])));
    const keys = await storedKeys(repo.storage);
    await assert.rejects(prune(repo, options), (error) => {
      assert.ok(RepositoryError.is(error, "index-incomplete"));
      assert.equal(error.details.missingBlobs, 1);
      return true;
    });
    assert.deepEqual(await storedKeys(repo.storage), keys);
  });

  test("prune as a dry run changes nothing and tells the same numbers", async () => {
    const { repo } = await buildRepository(
      sketch(storedPack([6]), storedPack([0, 2]), storedPack([1, 3]), storedPack([4])),
    );
    const keys = await storedKeys(repo.storage);
    const planned = await prune(repo, { ...options, dryRun: true });
    assert.ok(planned.isDryRun);
    assert.deepEqual(await storedKeys(repo.storage), keys);
    assert.deepEqual((await prune(repo, options)).stats, planned.stats);
  });

  test("prune warns of packs that cannot be deleted and goes on; the next one deletes them", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const built = await buildRepository(sketch(storedPack([6, 0, 1]), storedPack([2]), storedPack([3])), storage);
    storage.plan = (call) => {
      if (call.method === "delete" && call.key.startsWith("data/")) throw unavailable(call);
      return undefined;
    };
    const warnings: string[] = [];
    await prune(built.repo, { ...options, onWarning: (message) => warnings.push(message) });
    assert.equal(warnings.length, 3, "the mixed pack and two unused ones");
    storage.plan = () => undefined;
    const again = await prune(await reopen(storage), options);
    assert.equal(again.plan.removeFirst.length, 3);
    assert.deepEqual(await unreadable(built.repo, built), []);
  });

  test("prune stops when an old index file cannot be deleted, before any pack goes", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const built = await buildRepository(sketch(storedPack([6]), storedPack([0, 1]), storedPack([2])), storage);
    storage.plan = (call) => {
      if (call.method === "delete" && call.key.startsWith("index/")) throw unavailable(call);
      return undefined;
    };
    const packs = await storedKeys(storage, "data/");
    await assert.rejects(prune(built.repo, options), (error) => RepositoryError.is(error, "storage-unavailable"));
    assert.deepEqual(await storedKeys(storage, "data/"), packs);
  });

  test("prune compresses uncompressed trees, and data when it is asked to", async () => {
    const plain = [6, 0, 1].map((number) => storedPack([number], { blobs: [{ number, isCompressed: false }] }));
    const built = await buildRepository(sketch(...plain));
    assert.ok((await prune(built.repo, options)).stats.bytes.uncompressed > 0);
    const isCompressed = (number: number): boolean => {
      const { type, id } = built.blobs[number] as { type: "data" | "tree"; id: BlobId };
      return built.repo.index.lookup({ type, id })[0]?.uncompressedLength !== 0;
    };
    assert.deepEqual([6, 0, 1].map(isCompressed), [true, false, false]);
    await prune(built.repo, { ...options, repackUncompressed: true });
    assert.deepEqual([6, 0, 1].map(isCompressed), [true, true, true]);
    assert.deepEqual(await unreadable(built.repo, built), []);
  });

  test("prune refuses options that contradict the repository", async () => {
    const isInvalid = (error: unknown): boolean => RepositoryError.is(error, "argument-invalid");
    const old = await createTestRepository({ version: 1 });
    await assert.rejects(prune(old, { ...options, repackUncompressed: true }), isInvalid);
    const off = await createTestRepository({ compression: "off" });
    await assert.rejects(prune(off, { ...options, repackUncompressed: true }), isInvalid);
    await assert.rejects(prune(off, { ...options, smallPackBytes: 17 * 1024 * 1024 }), isInvalid);
  });

  test("prune is refused while anybody else holds a lock, and gives its own back", async () => {
    const repo = await createTestRepository();
    await withLock(await reopen(repo.storage), { exclusive: false, timings: { settleMs: 0 } }, async () => {
      await assert.rejects(prune(repo, { ...options, retryLockMs: 0 }), (error) =>
        RepositoryError.is(error, "lock-held"),
      );
    });
    await prune(repo, options);
    assert.deepEqual(await storedKeys(repo.storage, "locks/"), []);
  });

  test("prune that is cancelled ends with cancelled and leaves a sound repository", async () => {
    const built = await buildRepository(sketch(storedPack([6]), storedPack([0, 2]), storedPack([1, 3])));
    const stop = new AbortController();
    const cancelled = prune(built.repo, { ...options, signal: stop.signal, onProgress: () => stop.abort() });
    await assert.rejects(cancelled, (error) => RepositoryError.is(error, "cancelled"));
    assert.deepEqual(await unreadable(built.repo, built), []);
    assert.deepEqual(await storedKeys(built.repo.storage, "locks/"), []);
  });

  test("prune moves large blobs in runs and keeps their bytes", async () => {
    const repo = await createTestRepository({ compression: "off" });
    const contents = Array.from({ length: 6 }, (_, number) => seededBytes(number, 3 * 1024 * 1024));
    const ids = await storeBlobs(repo, "data", contents);
    const kept = [0, 2, 3, 5].map((number) => ids[number] as BlobId);
    const [tree] = await storeBlobs(repo, "tree", [encodeTree([fileNode("f", kept, { size: 4 * 3 * 1024 * 1024 })])]);
    await storeSnapshot(repo, tree as BlobId);
    const { stats } = await prune(repo, options);
    assert.equal(stats.blobs.repackRemove + stats.blobs.remove, 2);
    const result = await check(repo, { readData: { kind: "all" }, findUnused: true, lockTimings: { settleMs: 0 } });
    assert.deepEqual(result.findings, []);
  });
});
