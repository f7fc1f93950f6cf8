import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import { type BlobId, type IndexId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile, type IndexPack } from "../../../../repo-format/format/index-file.ts";
import { rewriteIndexFiles } from "../../../../repo-format/maintenance/rewrite-index.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { FaultyStorage, unavailable } from "../../../support/faulty-storage.ts";
import { createTestRepository, reopen, storedKeys } from "../../../support/memory-repository.ts";

function packOf(name: string, blobCount = 2, firstBlob = 0): IndexPack {
  const blobs: PackedBlob[] = Array.from({ length: blobCount }, (_, number) => ({
    type: "data",
    id: idOf<BlobId>(Buffer.from(`${name} ${firstBlob + number}`)),
    offset: (firstBlob + number) * 100,
    length: 100,
    uncompressedLength: 0,
  }));
  return { id: idOf<PackId>(Buffer.from(name)), blobs };
}

const save = async (repo: Repository, ...packs: IndexPack[]): Promise<IndexId> =>
  (await repo.saveUnpacked("index", encodeIndexFile(packs))) as IndexId;

/** Blobs by pack, as somebody else reads them. */
async function indexed(repo: Repository): Promise<Map<PackId, number>> {
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  return new Map([...other.index.packs()].map(({ id, blobs }) => [id, blobs.length]));
}

const files = (repo: Repository): Promise<string[]> => storedKeys(repo.storage, "index/");

describe("rewriteIndexFiles", () => {
  test("rewriteIndexFiles forgets the packs and keeps all others", async () => {
    const repo = await createTestRepository();
    const [a, b, c] = [packOf("a"), packOf("b", 3), packOf("c")];
    await save(repo, a, b);
    await save(repo, c);
    await rewriteIndexFiles(repo, new Set([a.id]));
    assert.deepEqual(
      await indexed(repo),
      new Map([
        [b.id, 3],
        [c.id, 2],
      ]),
    );
    assert.equal((await files(repo)).length, 1, "small files are merged");
  });

  test("rewriteIndexFiles leaves full files alone that tell of none of the packs", async () => {
    const repo = await createTestRepository();
    const full = await save(repo, packOf("full", 50_000));
    await save(repo, packOf("a"), packOf("b"));
    await rewriteIndexFiles(repo, new Set([packOf("a").id]));
    assert.ok((await files(repo)).includes(`index/${full}`));
    assert.equal((await indexed(repo)).size, 2);
  });

  test("rewriteIndexFiles leaves one small file alone when it says nothing that must go", async () => {
    const repo = await createTestRepository();
    await save(repo, packOf("a"));
    const before = await files(repo);
    await rewriteIndexFiles(repo, new Set([packOf("other").id]));
    assert.deepEqual(await files(repo), before);
  });

  test("rewriteIndexFiles lists packs once that stood in several files, and joins those that were split", async () => {
    const repo = await createTestRepository();
    await save(repo, packOf("twice"), packOf("gone"));
    await save(repo, packOf("twice"));
    await save(repo, packOf("split", 2, 0));
    await save(repo, packOf("split", 2, 2));
    await rewriteIndexFiles(repo, new Set([packOf("gone").id]));
    assert.deepEqual(
      await indexed(repo),
      new Map([
        [packOf("twice").id, 2],
        [packOf("split").id, 4],
      ]),
    );
    const [file] = await files(repo);
    const json = (await repo.loadUnpacked("index", file?.slice(6) as IndexId)).toString();
    assert.equal(json.split(packOf("twice").id).length, 2);
  });

  test("rewriteIndexFiles starts a new file when one is full", async () => {
    const repo = await createTestRepository();
    for (const name of ["a", "b", "c", "d"]) await save(repo, packOf(name, 20_000));
    await rewriteIndexFiles(repo, new Set([packOf("none").id]));
    assert.equal((await files(repo)).length, 2);
    assert.equal((await indexed(repo)).size, 4);
  });

  test("rewriteIndexFiles of the last pack leaves no index file", async () => {
    const repo = await createTestRepository();
    await save(repo, packOf("a"));
    await rewriteIndexFiles(repo, new Set([packOf("a").id]));
    assert.deepEqual(await files(repo), []);
  });

  test("rewriteIndexFiles deletes nothing when a file cannot be read or a new one not be stored", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const repo = await createTestRepository({ storage });
    await save(repo, packOf("a"), packOf("b"));
    storage.plan = (call) => {
      if (call.method === "put") throw unavailable(call);
      return undefined;
    };
    await assert.rejects(rewriteIndexFiles(repo, new Set([packOf("a").id])), { code: "storage-unavailable" });
    storage.plan = () => undefined;
    await storage.put(`index/${"1".repeat(64)}`, Buffer.from("junk"));
    await assert.rejects(rewriteIndexFiles(repo, new Set([packOf("a").id])), { code: "file-damaged" });
    assert.equal((await files(repo)).length, 2);
  });
});
