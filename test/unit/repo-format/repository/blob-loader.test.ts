import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobHandle } from "../../../../repo-format/format/blob.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { withBlobUploader } from "../../../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import {
  collect,
  createTestRepository,
  seededBytes,
  storeBlobs,
  storedKeys,
} from "../../../support/memory-repository.ts";

const content = seededBytes("content", 3000);

interface Setup {
  readonly storage: FaultyStorage;
  readonly repo: Repository;
  readonly handle: BlobHandle;
}

/** A repository with one blob, stored `copies` times in packs of their own. */
async function setUp(copies: number): Promise<Setup> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  let id: BlobId | undefined;
  for (let copy = 0; copy < copies; copy++) {
    const saved = await withBlobUploader(repo, { storeKnown: true }, (uploader) => uploader.saveBlob("data", content));
    id = saved.id;
  }
  storage.calls.length = 0;
  return { storage, repo, handle: { type: "data", id: id as BlobId } };
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[100] = (copy[100] ?? 0) ^ 1;
  return copy;
}

test("loadBlob reads another copy when the first one is damaged, gone or cut off", async () => {
  for (const harm of ["damage", "delete", "truncate"] as const) {
    const { storage, repo, handle } = await setUp(2);
    const [first] = repo.index.lookup(handle);
    const key = `data/${first?.packId.slice(0, 2)}/${first?.packId}`;
    if (harm === "delete") await storage.delete(key);
    else
      await storage.put(
        key,
        harm === "damage" ? flipped(await storage.get(key)) : (await storage.get(key)).subarray(0, 500),
      );
    assert.deepEqual(await repo.loadBlob(handle), content);
  }
});

test("loadBlob reads once more when the bytes were damaged on their way", async () => {
  const { storage, repo, handle } = await setUp(1);
  storage.plan = ({ number }) => (number === 1 ? flipped : undefined);
  assert.deepEqual(await repo.loadBlob(handle), content);
  assert.equal(storage.calls.length, 2);
});

test("loadBlob names blob, pack and offset when no copy can be read", async () => {
  const { storage, repo, handle } = await setUp(2);
  storage.plan = () => flipped;
  const [first] = repo.index.lookup(handle);
  await assert.rejects(repo.loadBlob(handle), (error: Error & { code: string; details: Record<string, unknown> }) => {
    assert.equal(error.code, "blob-damaged");
    assert.match(error.message, new RegExp(handle.id));
    assert.match(error.message, new RegExp(`${first?.packId}.*offset 0`));
    assert.deepEqual([error.details.pack, error.details.offset, error.details.places], [first?.packId, 0, 2]);
    return true;
  });
  assert.equal(storage.calls.length, 4, "each copy twice");
});

test("loadBlob tells apart: not in the index, pack gone, store not reachable, cancelled", async () => {
  const { storage, repo, handle } = await setUp(1);
  await assert.rejects(repo.loadBlob({ type: "tree", id: handle.id }), { code: "blob-missing" });
  storage.plan = (call) => {
    throw unavailable(call);
  };
  await assert.rejects(repo.loadBlob(handle), { code: "storage-unavailable" });
  storage.plan = () => undefined;
  const controller = new AbortController();
  storage.plan = () => {
    controller.abort();
    return Promise.resolve();
  };
  await assert.rejects(repo.loadBlob(handle, controller.signal), { code: "cancelled" });
  storage.plan = () => undefined;
  for (const key of await storedKeys(storage, "data/")) await storage.delete(key);
  await assert.rejects(repo.loadBlob(handle), (error: Error & { code: string }) => {
    assert.match(error.message, /does not exist/);
    return error.code === "pack-missing";
  });
});

test("a store that cannot be reached is not taken for damage, even when another copy is damaged", async () => {
  const { storage, repo, handle } = await setUp(2);
  const [first] = repo.index.lookup(handle);
  storage.plan = (call) => {
    if (call.key.endsWith(first?.packId ?? "")) return flipped;
    throw unavailable(call);
  };
  await assert.rejects(repo.loadBlob(handle), { code: "storage-unavailable" });
});

test("loadBlobs reads neighbours with one request and gives every blob once", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const contents = Array.from({ length: 50 }, (_, seed) => seededBytes(seed, 500 + seed));
  const ids = await storeBlobs(repo, "data", contents);
  storage.calls.length = 0;
  const handles = ids.map((id): BlobHandle => ({ type: "data", id }));
  const loaded = await collect(repo.loadBlobs(handles, { parallel: 2 }));
  assert.equal(storage.calls.length, 1);
  assert.equal(loaded.length, 50);
  for (const { handle, plaintext } of loaded) assert.deepEqual(plaintext, contents[ids.indexOf(handle.id)]);
});

test("loadBlobs gives the error of the one blob that is damaged and all others", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  const contents = Array.from({ length: 10 }, (_, seed) => seededBytes(seed, 1000));
  const ids = await storeBlobs(repo, "data", contents);
  const [key] = (await storedKeys(storage, "data/")) as [string];
  const broken = repo.index.lookup({ type: "data", id: ids[4] as BlobId })[0];
  const file = await storage.get(key);
  file[(broken?.offset ?? 0) + 40] = (file[(broken?.offset ?? 0) + 40] ?? 0) ^ 1;
  await storage.put(key, file);
  const absent = "f".repeat(64) as BlobId;
  const handles = [...ids, absent].map((id): BlobHandle => ({ type: "data", id }));
  const loaded = await collect(repo.loadBlobs(handles, { parallel: 2 }));
  assert.equal(loaded.length, 11);
  for (const { handle, error } of loaded) {
    const expected = handle.id === ids[4] ? "blob-damaged" : handle.id === absent ? "blob-missing" : undefined;
    assert.equal(error?.code, expected);
  }
});
