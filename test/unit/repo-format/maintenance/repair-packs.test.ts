import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile, type IndexPack } from "../../../../repo-format/format/index-file.ts";
import { repairPacks } from "../../../../repo-format/maintenance/repair-packs.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { sweepTimings } from "../../../support/fault-sweep.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
} from "../../../support/memory-repository.ts";

const contents = [1, 2, 3, 4].map((seed) => seededBytes(seed, 400 + seed * 100));

interface Damaged {
  readonly repo: Repository;
  readonly storage: FaultyStorage;
  readonly pack: IndexPack;
  readonly key: string;
}

/** One pack with four blobs. */
async function onePack(): Promise<Damaged> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  await storeBlobs(repo, "data", contents);
  await repo.refreshIndex();
  const pack = [...repo.index.packs()][0] as IndexPack;
  return { repo: await reopen(storage), storage, pack, key: keyOf("pack", pack.id) };
}

/** Which of the contents somebody else can read, by their numbers. */
async function readable({ storage }: Damaged): Promise<number[]> {
  const reader = await reopen(storage);
  await reader.refreshIndex();
  const ids = contents.map((content) => idOf<BlobId>(content));
  const known = ids.filter((id) => reader.index.has("data", id));
  for (const id of known) await reader.loadBlob({ type: "data", id });
  return known.map((id) => ids.indexOf(id) + 1);
}

async function repair(
  { repo, pack }: Damaged,
  ids: readonly PackId[] = [pack.id],
): Promise<{ result: Awaited<ReturnType<typeof repairPacks>>; copies: Buffer[]; lost: string[] }> {
  const copies: Buffer[] = [];
  const lost: string[] = [];
  const result = await repairPacks(repo, ids, {
    retryLockMs: 0,
    lockTimings: sweepTimings,
    keepCopy: async (_, parts) => {
      const all: Buffer[] = [];
      for await (const part of parts) all.push(part);
      copies.push(Buffer.concat(all));
    },
    onLost: ({ id }) => lost.push(id),
  });
  return { result, copies, lost };
}

describe("repairPacks", () => {
  test("repairPacks stores the intact blobs anew, names the lost one, keeps a copy, and removes the pack", async () => {
    const damaged = await onePack();
    const { storage, pack, key } = damaged;
    const bytes = Buffer.from(await storage.get(key));
    const [, second] = pack.blobs;
    bytes.fill(7, (second?.offset ?? 0) + 20, (second?.offset ?? 0) + 30);
    await storage.put(key, bytes);
    const { result, copies, lost } = await repair(damaged);
    assert.deepEqual(result, { salvagedBlobs: 3, lostBlobs: 1 });
    assert.deepEqual(copies, [bytes]);
    assert.deepEqual(lost, [second?.id]);
    assert.equal((await readable(damaged)).length, 3);
    assert.equal((await storedKeys(storage)).includes(key), false);
  });

  test("repairPacks finds the first blobs of a pack that was cut short, whose header is gone", async () => {
    const damaged = await onePack();
    const { storage, pack, key } = damaged;
    await storage.put(key, (await storage.get(key)).subarray(0, (pack.blobs[2]?.offset ?? 0) + 10));
    assert.deepEqual((await repair(damaged)).result, { salvagedBlobs: 2, lostBlobs: 2 });
    assert.equal((await readable(damaged)).length, 2);
  });

  test("repairPacks takes lost blobs from wherever the index has them", async () => {
    const damaged = await onePack();
    const twin = await reopen(damaged.storage);
    for (const key of await storedKeys(damaged.storage, "index/")) await damaged.storage.delete(key);
    await storeBlobs(twin, "data", contents.slice(0, 2));
    await twin.saveUnpacked("index", encodeIndexFile([damaged.pack]));
    await damaged.storage.put(damaged.key, Buffer.alloc(50));
    assert.deepEqual((await repair(damaged)).result, { salvagedBlobs: 2, lostBlobs: 2 });
    assert.deepEqual(await readable(damaged), [1, 2]);
  });

  test("repairPacks believes the header where the index says too little, and takes a pack that no index knows", async () => {
    for (const known of [1, 0]) {
      const damaged = await onePack();
      for (const key of await storedKeys(damaged.storage, "index/")) await damaged.storage.delete(key);
      const { id, blobs } = damaged.pack;
      if (known > 0) await damaged.repo.saveUnpacked("index", encodeIndexFile([{ id, blobs: blobs.slice(0, known) }]));
      assert.deepEqual((await repair(damaged)).result, { salvagedBlobs: 4, lostBlobs: 0 });
      assert.deepEqual(await readable(damaged), [1, 2, 3, 4]);
    }
  });

  test("repairPacks changes nothing when one of the packs is not there, or its copy cannot be kept", async () => {
    const damaged = await onePack();
    const before = await storedKeys(damaged.storage);
    const absent = idOf<PackId>(Buffer.from("absent"));
    await assert.rejects(repair(damaged, [damaged.pack.id, absent]), { code: "pack-missing" });
    const full = new Error("no space left");
    const options = { keepCopy: () => Promise.reject(full), lockTimings: sweepTimings };
    await assert.rejects(repairPacks(damaged.repo, [damaged.pack.id], options), full);
    assert.deepEqual(await storedKeys(damaged.storage), before);
  });

  test("repairPacks gives nothing up when the store does not answer", async () => {
    const damaged = await onePack();
    let reads = 0;
    damaged.storage.plan = (call) => {
      // The copy is read first.
      if (call.method === "getRange" && ++reads > 1) throw unavailable(call);
      return undefined;
    };
    await assert.rejects(repair(damaged), { code: "storage-unavailable" });
    damaged.storage.plan = () => undefined;
    assert.deepEqual(await readable(damaged), [1, 2, 3, 4]);
  });
});
