import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { type ArchiveFormat, dumpFolder } from "../../../../repo-format/inspect/dump-folder.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../../../repo-format/storage/in-memory.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import { FaultyStorage } from "../../../support/faulty-storage.ts";
import { createTestRepository, seededBytes } from "../../../support/memory-repository.ts";
import { directory, file, other, storeEntries, symlink } from "../../../support/restorer-fixture.ts";
import { readZip } from "../../../support/zip-reader.ts";

const big = [seededBytes(1, 50_000), seededBytes(2, 1000)];

async function withTree(
  extra: readonly (readonly [string, ReturnType<typeof file>])[] = [],
): Promise<{ repo: Repository; treeId: BlobId }> {
  const repo = await createTestRepository();
  const inner = directory([
    ["big", file(big)],
    ["link", symlink("big")],
    ["pipe", other("fifo")],
  ]);
  const id = await storeEntries(repo, [["a", directory([["in", inner]])], ["z", file(["end"])], ...extra]);
  await repo.refreshIndex();
  return { repo, treeId: (await repo.loadSnapshot(id)).tree };
}

/** What comes out at a reader that takes its time. */
async function dump(repo: Repository, treeId: BlobId, path: string, format: ArchiveFormat = "zip"): Promise<Buffer> {
  const parts: Buffer[] = [];
  const output = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, done) {
      parts.push(chunk);
      void turn().then(() => done());
    },
  });
  const written = await dumpFolder(repo, { treeId, path }, output, { format });
  const bytes = Buffer.concat(parts);
  assert.equal(written, bytes.length);
  assert.equal(output.writableEnded, false);
  return bytes;
}

const namesOf = (zip: Buffer): string[] => readZip(zip).map(({ name }) => name.toString());

describe("dumpFolder", () => {
  test("dumpFolder writes all files, directories and symlinks below the folder, named from the root", async () => {
    const { repo, treeId } = await withTree();
    assert.deepEqual(namesOf(await dump(repo, treeId, "/")), ["a/", "a/in/", "a/in/big", "a/in/link", "z"]);
    const zip = await dump(repo, treeId, "/a/in");
    assert.deepEqual(namesOf(zip), ["a/in/big", "a/in/link"]);
    assert.ok(readZip(zip)[0]?.content.equals(Buffer.concat(big)));
  });

  test("dumpFolder writes tar: headers and content in whole blocks, and two empty blocks", async () => {
    const { repo, treeId } = await withTree();
    const tar = await dump(repo, treeId, "/a/in", "tar");
    assert.equal(tar.length, 512 + Math.ceil(51_000 / 512) * 512 + 512 + 1024);
    assert.ok(tar.subarray(512, 51_512).equals(Buffer.concat(big)));
  });

  test("dumpFolder writes an empty archive of an empty folder", async () => {
    const { repo, treeId } = await withTree([["zz", directory([])]]);
    assert.deepEqual(await dump(repo, treeId, "/zz", "tar"), Buffer.alloc(1024));
    assert.deepEqual(readZip(await dump(repo, treeId, "/zz")), []);
  });

  test("dumpFolder refuses what is no directory or not there", async () => {
    const { repo, treeId } = await withTree();
    for (const path of ["/z", "/a/none"]) await assert.rejects(dump(repo, treeId, path), { code: "path-missing" });
  });

  test("dumpFolder ends with an error at a file whose pieces do not have its size, before they are written", async () => {
    for (const size of [2, 4]) {
      const { repo, treeId } = await withTree([["zz", file(["end"], { size })]]);
      for (const format of ["tar", "zip"] as const) {
        await assert.rejects(dump(repo, treeId, "/", format), { code: "tree-malformed", details: { path: "/zz" } });
      }
    }
  });

  test("dumpFolder fetches a few blobs ahead of a reader that takes nothing, and no more", async () => {
    const storage = new FaultyStorage(new InMemoryStorage());
    const repo = await createTestRepository({ storage });
    const pieces = Array.from({ length: 60 }, (_, seed) => seededBytes(`piece ${seed}`, 1000));
    const id = await storeEntries(repo, [
      ["a", file(pieces)],
      ["b", file(pieces.slice(1))],
    ]);
    const { tree } = await repo.loadSnapshot(id);
    await repo.refreshIndex();
    storage.calls.length = 0;
    const taken = Promise.withResolvers<() => void>();
    const output = new Writable({ highWaterMark: 1, write: (_, __, done) => taken.resolve(done) });
    const controller = new AbortController();
    const { signal } = controller;
    const dumped = dumpFolder(repo, { treeId: tree, path: "/" }, output, { format: "tar", signal });
    await taken.promise;
    for (let round = 0; round < 50; round++) await turn();
    const fetched = storage.keysOf("getRange").length;
    assert.ok(fetched > 1 && fetched < 20, `${fetched} requests`);
    controller.abort();
    await assert.rejects(dumped, { code: "cancelled" });
  });

  test("dumpFolder ends with an error at a damaged blob", async () => {
    const { repo, treeId } = await withTree();
    const [data] = [...repo.index.packs()].filter(({ blobs }) => blobs[0]?.type === "data");
    const key = keyOf("pack", data?.id as PackId);
    await repo.storage.put(key, (await repo.storage.get(key)).fill(1, 0, 100));
    await assert.rejects(dump(repo, treeId, "/"), { code: "blob-damaged" });
  });
});
