import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../repo-format/errors.ts";
import { type BlobId, idOf, type SnapshotId, type TreeId } from "../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { usedBlobs } from "../../repo-format/repository/walk-trees.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { FaultyStorage, type StorageCall, unavailable } from "../support/faulty-storage.ts";
import { collect, createTestRepository, reopen, seededBytes, storeSnapshot } from "../support/memory-repository.ts";

const mebibyte = 1024 * 1024;
const contents: readonly Buffer[] = Array.from({ length: 5 }, (_, file) => seededBytes(file, 2 * mebibyte));
const timings = { settleMs: 0, releaseMs: 1000 };

/** One backup in small: lock, index, blobs of 10 MiB in two packs and more, trees, index files, snapshot, unlock. */
async function backUp(repo: Repository, signal?: AbortSignal): Promise<SnapshotId> {
  return withLock(repo, { exclusive: false, retryLockMs: 0, timings, signal }, async (lockSignal) => {
    await repo.refreshIndex(lockSignal);
    const tuning = { salvageMs: 1000, indexMaxBlobs: 4 };
    const tree = await withBlobUploader(repo, { signal: lockSignal, tuning }, async (uploader) => {
      const nodes: Node[] = [];
      for (const [file, content] of contents.entries()) {
        const { id } = await uploader.saveBlob("data", content);
        nodes.push({ ...emptyNode(Buffer.from(`file ${file}`), "file"), size: content.length, content: [id] });
      }
      const subtree = (await uploader.saveBlob("tree", encodeTree(nodes))).id;
      const root = encodeTree([{ ...emptyNode(Buffer.from("dir"), "dir"), subtree }]);
      return (await uploader.saveBlob("tree", root)).id;
    });
    return storeSnapshot(repo, tree as TreeId);
  });
}

/** What must hold after every fault, seen by a process that opens the store afresh. */
async function assertNothingLies(storage: FaultyStorage): Promise<number> {
  storage.plan = () => undefined;
  const repo = await reopen(storage);
  const snapshots = await collect(repo.snapshots());
  await repo.refreshIndex();
  const sizes = new Map<string, number>();
  for await (const { id, sizeBytes } of repo.list("pack")) sizes.set(id, sizeBytes);
  for (const { id, blobs } of repo.index.packs()) {
    assert.ok(sizes.has(id), `the index tells of pack ${id}, which is not stored`);
    for (const blob of blobs) await repo.loadBlob(blob);
  }
  const used = await usedBlobs(
    repo,
    snapshots.map(({ snapshot }) => snapshot.tree),
  );
  assert.deepEqual(used.missing, [], "a snapshot refers to a blob that is not there");
  return snapshots.length;
}

async function newStore(): Promise<FaultyStorage> {
  const storage = new FaultyStorage(new InMemoryStorage());
  await createTestRepository({ storage });
  return storage;
}

function openSmall(storage: FaultyStorage): Promise<Repository> {
  return reopen(storage, { packSizeBytes: 4 * mebibyte, extraVerify: false });
}

async function countCalls(): Promise<number> {
  const storage = await newStore();
  const repo = await openSmall(storage);
  storage.calls.length = 0;
  await backUp(repo);
  const count = storage.calls.length;
  assert.equal(await assertNothingLies(storage), 1);
  return count;
}

/** Fails the n-th call of a backup that runs in a process of its own. */
async function failAt(n: number, fault: (call: StorageCall) => "after" | undefined): Promise<void> {
  const storage = await newStore();
  const repo = await openSmall(storage);
  storage.calls.length = 0;
  storage.plan = (call) => (call.number === n ? fault(call) : undefined);
  let error: unknown;
  const id = await backUp(repo).catch((reason: unknown) => {
    error = reason;
    return undefined;
  });
  const failed = storage.calls[n - 1];
  if (error !== undefined) assert.ok(RepositoryError.is(error, "storage-unavailable"), `call ${n}: ${error}`);
  const count = await assertNothingLies(storage);
  if (id !== undefined) assert.equal(count, 1, `call ${n}, ${failed?.method} ${failed?.key}`);
  // The same open repository must not believe in anything that is not stored.
  await backUp(repo);
  await assertNothingLies(storage);
}

test("whichever call to the store fails during a backup, no index names a missing pack and no snapshot a missing blob", async () => {
  const calls = await countCalls();
  for (let n = 1; n <= calls; n++) {
    await failAt(n, (call) => {
      throw unavailable(call);
    });
  }
});

test("the same when the call was carried out and only its answer was lost", async () => {
  const calls = await countCalls();
  for (let n = 1; n <= calls; n++) await failAt(n, () => "after");
});

test("killed at any call, a backup leaves a store that is sound, and the next run finds what was indexed", async () => {
  const calls = await countCalls();
  for (let n = 1; n <= calls; n++) {
    const storage = await newStore();
    const repo = await openSmall(storage);
    storage.calls.length = 0;
    const killed = Promise.withResolvers<void>();
    // From this call on nothing of the old process reaches the store any more.
    storage.plan = (call) => {
      if (call.number < n) return undefined;
      killed.resolve();
      return new Promise(() => undefined);
    };
    // Blobs go to packs at random, so a run may have a call less than the one that was counted.
    await Promise.race([backUp(repo).catch(() => undefined), killed.promise]);
    await assertNothingLies(storage);
    const next = await openSmall(storage);
    await backUp(next);
    assert.ok((await assertNothingLies(storage)) >= 1);
  }
});

test("cancelled at any call, a backup ends soon, as cancelled, with a sound store and without a lock", async () => {
  const calls = await countCalls();
  for (let n = 1; n <= calls; n++) {
    const storage = await newStore();
    const repo = await openSmall(storage);
    storage.calls.length = 0;
    const controller = new AbortController();
    storage.plan = (call) => {
      if (call.number === n) controller.abort();
      return undefined;
    };
    await backUp(repo, controller.signal).catch((error: unknown) => {
      assert.ok(RepositoryError.is(error, "cancelled"), `call ${n}: ${error}`);
    });
    await assertNothingLies(storage);
    assert.deepEqual(await collect(repo.list("lock")), [], `call ${n} left a lock`);
  }
});

test("what an interrupted run has indexed is not stored again", async () => {
  const storage = await newStore();
  const repo = await openSmall(storage);
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("snapshots/")) throw unavailable(call);
    return undefined;
  };
  await assert.rejects(backUp(repo), { code: "storage-unavailable" });
  storage.plan = () => undefined;
  const next = await reopen(storage);
  await next.refreshIndex();
  await withBlobUploader(next, {}, async (uploader) => {
    for (const content of contents) assert.equal(uploader.has("data", idOf<BlobId>(content)), true);
  });
});
