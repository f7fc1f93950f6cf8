// What a repack does with the bytes; when a prune repacks is in prune.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { check } from "../../../../repo-format/maintenance/check.ts";
import { makePlan } from "../../../../repo-format/maintenance/make-plan.ts";
import { repack } from "../../../../repo-format/maintenance/repack.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
  type TestRepositoryOptions,
} from "../../../support/memory-repository.ts";
import { fileNode } from "../../../support/sample-trees.ts";

const mebibyte = 1024 * 1024;
/** One of these is enough for a range to be worth a thread. */
const blobBytes = 300_000;
const here = { threadedBytes: Number.POSITIVE_INFINITY };
const inThreads = { threadedBytes: 0 };

interface Stored {
  readonly repo: Repository;
  readonly storage: FaultyStorage;
  /** Half of the blobs: those that a snapshot needs. */
  readonly kept: readonly BlobId[];
}

/** Blobs that do not compress, stored as they are; the snapshot needs every second one. */
async function storeHalfGarbage(count: number, options: TestRepositoryOptions = {}): Promise<Stored> {
  const storage = new FaultyStorage(new InMemoryStorage());
  const writer = await createTestRepository({ storage, compression: "off", ...options });
  const contents = Array.from({ length: count }, (_, number) => seededBytes(number, blobBytes));
  const ids = await storeBlobs(writer, "data", contents);
  const kept = ids.filter((_, number) => number % 2 === 0);
  const node = fileNode("f", kept, { size: kept.length * blobBytes });
  const [tree] = await storeBlobs(writer, "tree", [encodeTree([node])]);
  await storeSnapshot(writer, tree as BlobId);
  return { repo: await reopen(storage, { compression: "auto", ...options }), storage, kept };
}

/** @returns the packs that there were before. */
async function repackAll(repo: Repository, options: Parameters<typeof repack>[2]): Promise<ReadonlySet<PackId>> {
  const { plan } = await makePlan(repo, { maxUnusedBytes: () => 0 });
  const old = new Set([...repo.index.packs(() => true)].map(({ id }) => id));
  await repack(repo, plan, options);
  return old;
}

/** The places of a blob, new ones first. */
function placesOf(repo: Repository, id: BlobId, old: ReadonlySet<PackId>): ReturnType<Repository["index"]["lookup"]> {
  return repo.index
    .lookup({ type: "data", id })
    .toSorted((a, b) => Number(old.has(a.packId)) - Number(old.has(b.packId)));
}

async function assertCopied({ repo, kept }: Stored, old: ReadonlySet<PackId>): Promise<void> {
  for (const id of kept) {
    const [fresh, former, ...others] = placesOf(repo, id, old);
    assert.ok(fresh !== undefined && former !== undefined && others.length === 0);
    assert.ok(!old.has(fresh.packId) && old.has(former.packId), "in a new pack and still in the old one");
    const sealed = await Promise.all(
      [fresh, former].map(({ packId, offset, length }) => repo.readPackRange(packId, offset, length)),
    );
    assert.ok(sealed[0]?.equals(sealed[1] as Buffer), "the very same sealed bytes");
    assert.equal(fresh.uncompressedLength, 0, "not compressed in vain");
  }
}

for (const [where, options] of [
  ["in this thread", here],
  ["in threads", inThreads],
] as const) {
  test(`repack, opening ${where}, copies the sealed bytes of what is needed`, async () => {
    const stored = await storeHalfGarbage(40, { packSizeBytes: 4 * mebibyte });
    await assertCopied(stored, await repackAll(stored.repo, options));
    const result = await check(stored.repo, { readData: { kind: "all" }, lockTimings: { settleMs: 0 } });
    assert.deepEqual(result.counts.error, 0);
  });

  test(`repack, opening ${where}, gives up when the only copy of a blob is damaged, and keeps what is there`, async () => {
    const { repo, storage, kept } = await storeHalfGarbage(20);
    await repo.refreshIndex();
    const victim = kept[5] as BlobId;
    await damage(repo, victim);
    const packs = await storedKeys(storage, "data/");
    await assert.rejects(repackAll(repo, options), (error) => {
      assert.ok(RepositoryError.is(error, "blob-damaged"));
      assert.equal(error.details.blob, victim);
      return true;
    });
    const left = new Set(await storedKeys(storage, "data/"));
    assert.ok(packs.every((key) => left.has(key)));
  });

  test(`repack, opening ${where}, takes a good copy where there is a damaged one`, async () => {
    const stored = await storeHalfGarbage(20);
    const { repo, kept } = stored;
    await repo.refreshIndex();
    const victim = kept[3] as BlobId;
    await damage(repo, victim);
    await addCopy(repo, victim, seededBytes(6, blobBytes));
    const old = await repackAll(repo, options);
    const [fresh] = placesOf(repo, victim, old);
    assert.ok(fresh !== undefined && !old.has(fresh.packId));
    const bytes = await repo.readPackRange(fresh.packId, fresh.offset, fresh.length);
    assert.doesNotThrow(() => repo.sealer.open(bytes));
  });
}

test("repack compresses all data when it is asked to, so that the next one finds nothing to do", async () => {
  const { repo, kept } = await storeHalfGarbage(8);
  const old = await repackAll(repo, { ...inThreads, repackUncompressed: true });
  for (const id of kept) assert.equal(placesOf(repo, id, old)[0]?.uncompressedLength, blobBytes);
});

test("repack reads ahead, but never more than six ranges", async () => {
  const { repo, storage } = await storeHalfGarbage(120, { packSizeBytes: 4 * mebibyte });
  await repo.refreshIndex();
  let reading = 0;
  let most = 0;
  storage.plan = (call) => {
    if (call.method !== "getRange") return undefined;
    most = Math.max(most, ++reading);
    return new Promise((resolve) => setImmediate(resolve)).then(() => void reading--);
  };
  await repackAll(repo, here);
  assert.equal(most, 6);
});

/** Changes a bit of the blob in the first pack that has it. */
async function damage(repo: Repository, id: BlobId): Promise<void> {
  const [place] = repo.index.lookup({ type: "data", id });
  assert.ok(place !== undefined);
  const key = keyOf("pack", place.packId);
  const bytes = Buffer.from(await repo.storage.get(key));
  bytes[place.offset + 99] = (bytes[place.offset + 99] as number) ^ 1;
  await repo.storage.put(key, bytes);
}

/** Another pack with the blob and something that nobody needs. */
async function addCopy(repo: Repository, id: BlobId, content: Buffer): Promise<void> {
  const other = await reopen(repo.storage, { compression: "off" });
  // Its index is not read: the blob is new to it.
  const [copy] = await storeBlobs(other, "data", [content, seededBytes("garbage", blobBytes)]);
  assert.equal(copy, id);
  await repo.refreshIndex();
}
