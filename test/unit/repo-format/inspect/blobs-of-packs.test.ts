import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { PackId } from "../../../../repo-format/format/id.ts";
import { blobsOfPacks } from "../../../../repo-format/inspect/blobs-of-packs.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { collect, createTestRepository, reopen, storeBlobs } from "../../../support/memory-repository.ts";

async function repositoryWithPacks(): Promise<{ repo: Repository; packs: PackId[] }> {
  const repo = await createTestRepository();
  await storeBlobs(repo, "data", [Buffer.from("one"), Buffer.from("two")]);
  await storeBlobs(repo, "tree", [Buffer.from('{"nodes":[]}\n')]);
  return { repo, packs: [...repo.index.packs()].map(({ id }) => id) };
}

test("packs are found by their ids or first digits, blobs of both types in them", async () => {
  const { repo, packs } = await repositoryWithPacks();
  const { data, tree } = await blobsOfPacks(repo, [packs[0] ?? "", (packs[1] ?? "").slice(0, 8)]);
  assert.deepEqual([data.size, tree.size], [2, 1]);
  const known = [...repo.index.blobs()].map(({ type, id }) => (type === "data" ? data : tree).nameOf(id));
  assert.ok(known.every((name) => name !== undefined));
});

test("a pack that no index file knows is read, one that is gone from the store is reported", async () => {
  const { repo, packs } = await repositoryWithPacks();
  const [first = "" as PackId] = packs;
  for (const { id } of await collect(repo.list("index"))) await repo.remove("index", id);
  const unindexed = await reopen(repo.storage);
  await unindexed.refreshIndex();
  assert.equal((await blobsOfPacks(unindexed, [first])).data.size, 2);
  await repo.storage.delete(keyOf("pack", first));
  const missing: PackId[] = [];
  const { data } = await blobsOfPacks(repo, [first], { onMissing: (ids) => missing.push(...ids) });
  assert.equal(data.size, 2);
  assert.deepEqual(missing, [first]);
});

test("a pack that nobody knows is an error, and so is one without a header", async () => {
  const { repo } = await repositoryWithPacks();
  await assert.rejects(blobsOfPacks(repo, ["00000000"]), (error) => RepositoryError.is(error, "pack-missing"));
  const foreign = "f".repeat(64) as PackId;
  for (const body of [Buffer.from("ab"), Buffer.alloc(40), Buffer.from([1, 2, 3, 255, 255, 255, 255])]) {
    await repo.storage.put(keyOf("pack", foreign), body);
    await assert.rejects(blobsOfPacks(repo, [foreign]), (error) => RepositoryError.is(error, "pack-damaged"));
  }
});
