import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { emptyNode } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { check } from "../../../../repo-format/maintenance/check.ts";
import type { SizedPack } from "../../../../repo-format/maintenance/data-subset.ts";
import { DataReading } from "../../../../repo-format/maintenance/read-data.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storeSnapshot,
} from "../../../support/memory-repository.ts";

const packCount = 5;

async function repositoryOfPacks(): Promise<{ repo: Repository; packs: SizedPack[] }> {
  const repo = await createTestRepository();
  for (let number = 0; number < packCount; number++) await storeBlobs(repo, "data", [seededBytes(number, 1000)]);
  const packs = [...repo.index.packs()].map(({ id }) => ({ id, sizeBytes: 1100 }));
  assert.equal(packs.length, packCount);
  return { repo, packs };
}

async function damage(repo: Repository, pack: PackId): Promise<void> {
  const bytes = await repo.storage.get(keyOf("pack", pack));
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await repo.storage.put(keyOf("pack", pack), bytes);
}

test("every pack is counted once, and problems are told in the order of the index, those of before too", async () => {
  const { repo, packs } = await repositoryOfPacks();
  const [first, second] = [packs[1]?.id as PackId, packs[4]?.id as PackId];
  await damage(repo, first);
  await damage(repo, second);
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  const expected = [...other.index.packs()].map(({ id }) => id).filter((id) => id === first || id === second);
  const reading = new DataReading(other, packs, {});
  // As long as nobody listens, all that is read in memory is read: a tree is being looked at meanwhile.
  await new Promise((resolve) => setImmediate(resolve));
  const told: PackId[] = [];
  const counts: number[] = [];
  await reading.finish({
    onPack: (done, total) => counts.push(done * 100 + total),
    onProblem: (packId) => told.includes(packId) || told.push(packId),
  });
  assert.deepEqual(told, expected);
  assert.equal(counts.at(-1), packCount * 100 + packCount);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
});

test("reading that is stopped ends, and says so to whoever waits for it", async () => {
  const { repo, packs } = await repositoryOfPacks();
  const reading = new DataReading(repo, packs, {});
  await reading.stop();
  const events = { onPack: () => {}, onProblem: () => {} };
  await assert.rejects(reading.finish(events), (error) => RepositoryError.is(error, "cancelled"));
});

test("a store that fails while a tree is read ends the reading of data as well", async () => {
  const { repo } = await repositoryOfPacks();
  const subtree = "ab".repeat(32) as BlobId;
  const [tree] = await storeBlobs(repo, "tree", [encodeTree([{ ...emptyNode(Buffer.from("d"), "dir"), subtree }])]);
  await storeSnapshot(repo, tree as BlobId);
  const storage = new FaultyStorage(repo.storage);
  const controller = new AbortController();
  let reads = 0;
  storage.plan = ({ method, key }) => {
    if (method !== "getRange" || !key.startsWith("data/")) return undefined;
    if (++reads === 1) controller.abort();
    return undefined;
  };
  const checking = check(await reopen(storage), {
    readData: { kind: "all" },
    signal: controller.signal,
    lockTimings: { settleMs: 0 },
  });
  await assert.rejects(checking, (error) => RepositoryError.is(error, "cancelled"));
  const readsAtTheEnd = reads;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reads, readsAtTheEnd);
});
