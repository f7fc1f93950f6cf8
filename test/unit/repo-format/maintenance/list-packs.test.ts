import assert from "node:assert/strict";
import { test } from "node:test";
import { idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { copiesOf } from "../../../../repo-format/maintenance/index-copies.ts";
import { listPacks } from "../../../../repo-format/maintenance/list-packs.ts";
import { collectPackStatistics, packTypes } from "../../../../repo-format/maintenance/pack-statistics.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { createTestRepository, storeBlobs } from "../../../support/memory-repository.ts";

test("listPacks gives the size of every indexed pack, -1 for those that are gone, and the packs that no index knows", async () => {
  const repo = await createTestRepository();
  await storeBlobs(repo, "data", [Buffer.from("a")]);
  await storeBlobs(repo, "data", [Buffer.from("b")]);
  const [kept, gone] = [...repo.index.packs()];
  await repo.storage.delete(keyOf("pack", gone?.id as PackId));
  const foreign = idOf<PackId>(Buffer.from("foreign"));
  await repo.storage.put(keyOf("pack", foreign), Buffer.from("foreign"));
  const listing = await listPacks(repo, undefined);
  const size = (await repo.storage.get(keyOf("pack", kept?.id as PackId))).length;
  const numbers = [kept, gone].map((pack) => repo.index.packNumberOf(pack?.id as PackId));
  assert.deepEqual(
    numbers.map((number) => listing.sizes[number]),
    [size, -1],
  );
  assert.deepEqual(numbers.map(listing.packIdAt), [kept?.id, gone?.id]);
  assert.deepEqual(listing.unindexed, [{ id: foreign, sizeBytes: 7 }]);
});

test("copiesOf gives copies of one blob the same number, and sizes that make up the pack files", async () => {
  const repo = await createTestRepository();
  const [id] = await storeBlobs(repo, "data", [Buffer.from("a"), Buffer.alloc(1000)]);
  await storeBlobs(repo, "tree", [Buffer.from("a")]);
  const copies = copiesOf(repo.index);
  const numbers: number[] = [];
  copies.forEachCopy(({ blobNumber }) => numbers.push(blobNumber));
  assert.equal(new Set(numbers).size, 3, "an id as data and as tree are two blobs");
  assert.ok(numbers.includes(repo.index.positionOf("data", id as never)));
  const { packs } = collectPackStatistics(copies, new Uint8Array(copies.blobNumberLimit));
  const listing = await listPacks(repo, undefined);
  for (let pack = 0; pack < copies.packNumberLimit; pack++) {
    assert.equal(packs.sizeBytes(pack), listing.sizes[pack]);
    assert.notEqual(packs.type[pack], packTypes.none);
  }
});
