import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type BlobId, type IndexId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../../../repo-format/format/index-file.ts";
import { type IndexChange, repairIndex } from "../../../../repo-format/maintenance/repair-index.ts";
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

const lock = { retryLockMs: 0, lockTimings: sweepTimings };

/** Two packs with two blobs each, every pack in an index file of its own. */
async function withTwoPacks(): Promise<{
  repo: Repository;
  storage: FaultyStorage;
  packs: PackId[];
  files: IndexId[];
}> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage });
  await storeBlobs(repo, "data", [seededBytes(1, 500), seededBytes(2, 600)]);
  await storeBlobs(repo, "data", [seededBytes(3, 700), seededBytes(4, 800)]);
  const ids = async (prefix: string): Promise<string[]> =>
    (await storedKeys(storage, prefix)).map((key) => key.slice(key.lastIndexOf("/") + 1));
  return { repo, storage, packs: (await ids("data/")) as PackId[], files: (await ids("index/")) as IndexId[] };
}

/** Which of the four blobs somebody else can read. */
async function readableBlobs(repo: Repository): Promise<number[]> {
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  const readable: number[] = [];
  for (const number of [1, 2, 3, 4]) {
    const content = seededBytes(number, 400 + number * 100);
    const id = idOf<BlobId>(content);
    if (!other.index.has("data", id)) continue;
    assert.ok((await other.loadBlob({ type: "data", id })).equals(content));
    readable.push(number);
  }
  return readable;
}

async function changesOf(repo: Repository, readAllPacks = false): Promise<IndexChange[]> {
  const changes: IndexChange[] = [];
  const counts = await repairIndex(repo, { ...lock, readAllPacks, onChange: (change) => changes.push(change) });
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    changes.length,
  );
  return changes;
}

const kindsOf = (changes: readonly IndexChange[]): string[] => changes.map(({ kind }) => kind).sort();

describe("repairIndex", () => {
  test("repairIndex changes nothing but the number of index files of a sound repository", async () => {
    const { repo } = await withTwoPacks();
    assert.deepEqual(await changesOf(repo), []);
    assert.deepEqual(await readableBlobs(repo), [1, 2, 3, 4]);
  });

  test("repairIndex reads the packs that no index file tells of", async () => {
    const { repo, files, packs } = await withTwoPacks();
    await repo.remove("index", files[0] as IndexId);
    const changes = await changesOf(repo);
    assert.deepEqual(kindsOf(changes), ["pack-added"]);
    assert.ok(packs.includes(changes[0]?.id as PackId));
    assert.deepEqual(await readableBlobs(repo), [1, 2, 3, 4]);
  });

  test("repairIndex removes index files that cannot be read, and forgets packs that are gone", async () => {
    const { repo, storage, packs, files } = await withTwoPacks();
    await storage.put(keyOf("index", files[0] as IndexId), Buffer.from("no index"));
    await repo.remove("pack", packs[0] as PackId);
    const changes = await changesOf(repo);
    assert.ok(kindsOf(changes).includes("index-unreadable"));
    assert.equal((await readableBlobs(repo)).length, 2);
    assert.equal((await storedKeys(storage, "index/")).includes(keyOf("index", files[0] as IndexId)), false);
    assert.deepEqual(await changesOf(repo), []);
  });

  test("repairIndex reads a pack anew that the index knows with another size", async () => {
    const { repo, packs } = await withTwoPacks();
    await repo.refreshIndex();
    const [first] = [...repo.index.packs((id) => id === packs[0])];
    for (const key of await storedKeys(repo.storage, "index/")) await repo.storage.delete(key);
    await repo.saveUnpacked("index", encodeIndexFile([{ id: packs[0] as PackId, blobs: first?.blobs.slice(1) ?? [] }]));
    assert.deepEqual(kindsOf(await changesOf(repo)), ["pack-added", "pack-resized"]);
    assert.deepEqual(await readableBlobs(repo), [1, 2, 3, 4]);
  });

  test("repairIndex leaves a pack out whose header cannot be read, and keeps its file", async () => {
    const { repo, storage, packs } = await withTwoPacks();
    const key = keyOf("pack", packs[0] as PackId);
    await storage.put(key, (await storage.get(key)).subarray(0, -10));
    assert.deepEqual(kindsOf(await changesOf(repo)), ["pack-resized", "pack-unreadable"]);
    assert.equal((await readableBlobs(repo)).length, 2);
    assert.ok((await storedKeys(storage, "data/")).includes(key));
  });

  test("repairIndex with readAllPacks believes no index file, also none that looks right", async () => {
    const { repo, packs, files } = await withTwoPacks();
    await repo.refreshIndex();
    const [first] = [...repo.index.packs((id) => id === packs[0])];
    // The same sizes, so that only the pack itself can tell that the ids are wrong.
    const wrong = (first?.blobs ?? []).map((blob) => ({ ...blob, id: idOf<BlobId>(Buffer.from(blob.id)) }));
    for (const id of files) await repo.remove("index", id);
    await repo.saveUnpacked("index", encodeIndexFile([{ id: packs[0] as PackId, blobs: wrong }]));
    assert.deepEqual(kindsOf(await changesOf(repo)), ["pack-added"]);
    assert.equal((await readableBlobs(repo)).length, 2);
    assert.deepEqual(kindsOf(await changesOf(repo, true)), ["pack-added", "pack-added"]);
    assert.deepEqual(await readableBlobs(repo), [1, 2, 3, 4]);
  });

  test("repairIndex ends with the error when the store does not answer: that is no damage", async () => {
    const { repo, storage } = await withTwoPacks();
    for (const folder of ["index/", "data/"]) {
      storage.plan = (call) => {
        if (call.method.startsWith("get") && call.key.startsWith(folder)) throw unavailable(call);
        return undefined;
      };
      await assert.rejects(repairIndex(repo, { ...lock, readAllPacks: folder === "data/" }), {
        code: "storage-unavailable",
      });
      storage.plan = () => undefined;
      assert.deepEqual(await readableBlobs(repo), [1, 2, 3, 4]);
    }
  });
});
