import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import type { IndexedPack } from "../../../../repo-format/index/blob-index.ts";
import { checkPackData } from "../../../../repo-format/maintenance/check-pack-data.ts";
import { PackWriter } from "../../../../repo-format/pack/pack-writer.ts";
import { sealBlob } from "../../../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { createBlobWorkerPool } from "../../../../repo-format/workers/blob-worker-pool.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes } from "../../../support/memory-repository.ts";

async function storePack(repo: Repository, sizes: readonly number[]): Promise<IndexedPack> {
  const writer = new PackWriter(repo.sealer);
  for (const [number, size] of sizes.entries()) {
    const content = seededBytes(number, size);
    writer.add(sealBlob(repo, { type: "data", id: idOf<BlobId>(content) }, content));
  }
  const { id, body, blobs } = writer.finish();
  await repo.storage.put(keyOf("pack", id), body);
  return { id, blobs: [...blobs] };
}

const codes = async (repo: Repository, pack: IndexedPack): Promise<string[]> =>
  (await checkPackData(repo, pack)).map(({ code }) => code);

test("checkPackData finds nothing in sound packs, also in such that need several windows", async () => {
  const repo = await createTestRepository();
  assert.deepEqual(await codes(repo, await storePack(repo, [1, 100, 1000])), []);
  const mebibyte = 1024 * 1024;
  assert.deepEqual(await codes(repo, await storePack(repo, [5 * mebibyte, 5 * mebibyte, 9 * mebibyte, 10])), []);
});

test("checkPackData reports a changed blob with its id, and the hash of the file", async () => {
  const repo = await createTestRepository();
  const pack = await storePack(repo, [100, 100]);
  const bytes = await repo.storage.get(keyOf("pack", pack.id));
  const second = pack.blobs[1] as PackedBlob;
  bytes[second.offset + 20] = (bytes[second.offset + 20] ?? 0) ^ 1;
  await repo.storage.put(keyOf("pack", pack.id), bytes);
  const problems = await checkPackData(repo, pack);
  assert.deepEqual(
    problems.map(({ code, blobId }) => [code, blobId]),
    [
      ["blob-damaged", second.id],
      ["pack-hash", undefined],
    ],
  );
});

test("checkPackData reports a header that the index contradicts", async () => {
  const repo = await createTestRepository();
  const pack = await storePack(repo, [100, 100]);
  const [first, second] = pack.blobs as [PackedBlob, PackedBlob];
  assert.deepEqual(await codes(repo, { ...pack, blobs: [first] }), ["pack-header", "pack-hash"]);
  const renamed = { ...second, id: first.id };
  assert.deepEqual(await codes(repo, { ...pack, blobs: [first, renamed] }), ["blob-damaged", "pack-header"]);
  const asTree = { ...second, type: "tree" as const };
  assert.deepEqual(await codes(repo, { ...pack, blobs: [first, asTree] }), ["pack-header"]);
});

test("checkPackData reports gaps before and overlaps of blobs", async () => {
  const repo = await createTestRepository();
  const pack = await storePack(repo, [100, 100, 100]);
  const [first, second, third] = pack.blobs as [PackedBlob, PackedBlob, PackedBlob];
  assert.ok((await codes(repo, { ...pack, blobs: [second, third] })).includes("pack-gap"));
  assert.ok((await codes(repo, { ...pack, blobs: [first, third] })).includes("pack-gap"));
  const overlapping = { ...second, offset: second.offset - 5 };
  assert.ok((await codes(repo, { ...pack, blobs: [first, overlapping, third] })).includes("pack-gap"));
});

test("checkPackData reports packs that are short or gone as unreadable", async () => {
  const repo = await createTestRepository();
  const pack = await storePack(repo, [100]);
  const key = keyOf("pack", pack.id);
  const bytes = await repo.storage.get(key);
  await repo.storage.put(key, bytes.subarray(0, 60));
  assert.deepEqual(await codes(repo, pack), ["pack-unreadable"]);
  await repo.storage.delete(key);
  assert.deepEqual(await codes(repo, pack), ["pack-unreadable"]);
  assert.deepEqual(await codes(repo, { id: "ab".repeat(32) as PackId, blobs: pack.blobs }), ["pack-unreadable"]);
});

test("checkPackData reads once more before it believes in damage", async () => {
  const repo = await createTestRepository();
  const pack = await storePack(repo, [100]);
  const storage = new FaultyStorage(repo.storage);
  const second = await reopen(storage);
  let isDamaged = true;
  storage.plan = ({ method }) => {
    if (method !== "getRange" || !isDamaged) return undefined;
    isDamaged = false;
    return (bytes) => bytes.fill(0);
  };
  assert.deepEqual(await codes(second, pack), []);
  assert.equal(isDamaged, false);
});

test("threads find the same as the main thread does", async (t) => {
  const repo = await createTestRepository();
  const pool = createBlobWorkerPool(repo, 2);
  t.after(() => pool.close());
  const mebibyte = 1024 * 1024;
  const pack = await storePack(repo, [5 * mebibyte, 4 * mebibyte, 300_000, 9 * mebibyte, 10]);
  assert.deepEqual(await checkPackData(repo, pack, { pool }), []);
  const bytes = await repo.storage.get(keyOf("pack", pack.id));
  for (const number of [0, 2, 4]) {
    const at = (pack.blobs[number] as PackedBlob).offset + 30;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  }
  await repo.storage.put(keyOf("pack", pack.id), bytes);
  const problems = await checkPackData(repo, pack, { pool });
  assert.deepEqual(problems, await checkPackData(repo, pack));
  assert.deepEqual(
    problems.map(({ blobId }) => pack.blobs.findIndex(({ id }) => id === blobId)),
    [0, 2, 4, -1],
  );
});

test("a thread names the type of a damaged blob, and a pool that has ended is no damage", async (t) => {
  const repo = await createTestRepository();
  const pool = createBlobWorkerPool(repo, 1);
  t.after(() => pool.close());
  const [blob, ...rest] = (await storePack(repo, [1024 * 1024])).blobs as [PackedBlob];
  const content = seededBytes(0, 1024 * 1024);
  const { sealed } = sealBlob(repo, { type: "tree", id: idOf<BlobId>(content) }, content);
  const pack = await storePack(repo, [1024 * 1024]);
  const asTree = { ...pack, blobs: [{ ...blob, type: "tree" as const, id: idOf<BlobId>(sealed) }, ...rest] };
  const [problem] = await checkPackData(repo, asTree, { pool });
  assert.match(problem?.message ?? "", /the tree blob [0-9a-f]{64} is damaged/);
  await pool.close();
  await assert.rejects(checkPackData(repo, pack, { pool }));
});
