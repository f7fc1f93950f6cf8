import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { type CopyOptions, type CopyResult, copySnapshots } from "../../../../repo-format/maintenance/copy.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { keyOf } from "../../../../repo-format/storage/key-layout.ts";
import {
  collect,
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storeSnapshot,
} from "../../../support/memory-repository.ts";
import { fileNode, longFile, storeSampleTree } from "../../../support/sample-trees.ts";

async function sampleSource(version: 1 | 2 = 2): Promise<Repository> {
  const source = await createTestRepository({ version });
  await storeSnapshot(source, await storeSampleTree(source), { tags: ["a"], parent: "0".repeat(64) as never });
  return source;
}

/** Blobs of the index, with what the target needs to read them. */
function blobsOf(repo: Repository): string[] {
  return [...repo.index.blobs()].map(({ type, id }) => `${type} ${id}`).sort();
}

/** As a later run of another process finds things. */
async function copyAnew(source: Repository, target: Repository, options: CopyOptions = {}): Promise<CopyResult> {
  return await copySnapshots(await reopen(source.storage), await reopen(target.storage), options);
}

describe("copySnapshots", () => {
  test("everything that a snapshot needs is there before it, and reads the same", async () => {
    const source = await sampleSource();
    const unused = seededBytes(9, 100);
    await storeBlobs(source, "data", [unused]);
    const target = await createTestRepository();
    const { copied, skipped, blobs } = await copySnapshots(source, target);
    assert.deepEqual([copied.length, skipped.length], [1, 0]);
    const unusedName = `data ${idOf(unused)}`;
    assert.deepEqual(
      blobsOf(target),
      blobsOf(source).filter((name) => name !== unusedName),
    );
    assert.equal(blobs, blobsOf(target).length);
    for (const part of longFile) {
      const id = idOf<BlobId>(part);
      assert.ok((await (await refreshed(target)).loadBlob({ type: "data", id })).equals(part));
    }
    const [{ id: original, snapshot } = assert.fail()] = await collect(source.snapshots());
    const [{ snapshot: copy } = assert.fail()] = await collect(target.snapshots());
    const { parent: _, ...rest } = snapshot;
    assert.deepEqual(copy, { ...rest, original });
  });

  test("a snapshot is copied once, a copy of a copy too; with other tags it is another one", async () => {
    const source = await sampleSource();
    const [target, third] = [await createTestRepository(), await createTestRepository()];
    await copySnapshots(source, target);
    const again = await copyAnew(source, target);
    assert.deepEqual([again.copied.length, again.skipped.length, again.blobs], [0, 1, 0]);
    await copySnapshots(target, third);
    const around = await copyAnew(third, source);
    assert.deepEqual([around.copied.length, around.skipped.length], [0, 1]);
    const [{ id, snapshot } = assert.fail()] = await collect(source.snapshots());
    await source.saveSnapshot({ ...snapshot, tags: ["b"], original: id });
    assert.equal((await copyAnew(source, target)).copied.length, 1);
  });

  test("ids and filters choose, and an id that does not exist is passed over", async () => {
    const source = await sampleSource();
    const [{ snapshot } = assert.fail()] = await collect(source.snapshots());
    const second = await storeSnapshot(source, snapshot.tree, { hostname: "other" });
    const target = await createTestRepository();
    const ignored: string[] = [];
    const ids = [second, "ffffffff"];
    await copySnapshots(source, target, { ids, onIgnored: (what) => ignored.push(what) });
    assert.deepEqual(ignored, ["ffffffff"]);
    assert.equal((await copyAnew(source, target, { hosts: ["host-1"] })).copied.length, 1);
    assert.equal((await collect(target.snapshots())).length, 2);
  });

  test("compressed blobs are taken over as they are; another compression or version is honoured", async () => {
    // Compressed as the target never would by itself.
    const source = await createTestRepository({ compression: "max" });
    const words = Buffer.from(seededBytes(1, 3000).toString("hex"));
    const [text = "" as BlobId] = await storeBlobs(source, "data", [words]);
    const [tree = "" as BlobId] = await storeBlobs(source, "tree", [encodeTree([fileNode("f", [text])])]);
    await storeSnapshot(source, tree);
    const sizes = async (options: Parameters<typeof createTestRepository>[0]): Promise<(number | undefined)[]> => {
      const target = await createTestRepository(options);
      await copySnapshots(source, target);
      const [data] = target.index.lookup({ type: "data", id: text });
      const [directory] = target.index.lookup({ type: "tree", id: tree });
      return [data?.length, data?.uncompressedLength, directory?.uncompressedLength];
    };
    const treeBytes = (await source.loadTree(tree)).length;
    const stored = source.index.lookup({ type: "data", id: text })[0]?.length;
    const anew = await createTestRepository();
    await storeBlobs(anew, "data", [words]);
    assert.notEqual(anew.index.lookup({ type: "data", id: text })[0]?.length, stored);
    assert.deepEqual(await sizes({}), [stored, 6000, treeBytes]);
    assert.deepEqual(await sizes({ compression: "off" }), [6032, 0, treeBytes]);
    assert.deepEqual(await sizes({ version: 1 }), [6032, 0, 0]);
    assert.deepEqual((await sizes({ compression: "max" })).slice(1), [6000, treeBytes]);
  });

  test("from version 1 to 2 blobs are compressed on the way", async () => {
    const target = await createTestRepository();
    await copySnapshots(await sampleSource(1), target);
    for (const { id, type, uncompressedLength } of target.index.blobs())
      assert.ok(uncompressedLength > 0, `${type} ${id}`);
  });

  test("what an interrupted copy has stored is not stored again", async () => {
    const source = await createTestRepository();
    const parts: BlobId[] = [];
    // Each in a pack of its own.
    for (let part = 0; part < 40; part++) parts.push(...(await storeBlobs(source, "data", [seededBytes(part, 1000)])));
    const [tree = "" as BlobId] = await storeBlobs(source, "tree", [encodeTree([fileNode("f", parts)])]);
    await storeSnapshot(source, tree);
    const target = await createTestRepository();
    const stop = new AbortController();
    const onProgress = (done: number): void => {
      if (done === 10) stop.abort();
    };
    const cancelled = copySnapshots(source, target, { signal: stop.signal, onProgress });
    await assert.rejects(cancelled, (error) => RepositoryError.is(error, "cancelled"));
    assert.equal((await collect(target.snapshots())).length, 0);
    const { copied, blobs } = await copyAnew(source, target);
    assert.equal(copied.length, 1);
    assert.ok(blobs > 0 && blobs <= 31, `${blobs} of 41 blobs were left`);
    assert.deepEqual(blobsOf(await refreshed(target)), blobsOf(source));
  });

  test("snapshots are written in batches, so that a long copy gets somewhere", async () => {
    const source = await createTestRepository();
    for (let number = 0; number < 4; number++) {
      const [blob = "" as BlobId] = await storeBlobs(source, "data", [seededBytes(number, 1000)]);
      const [tree = "" as BlobId] = await storeBlobs(source, "tree", [encodeTree([fileNode("f", [blob])])]);
      await storeSnapshot(source, tree, { time: `2024-05-0${number + 1}T10:00:00Z` });
    }
    const steps: string[] = [];
    const events = { onPlanned: () => steps.push("planned"), onCopied: () => steps.push("copied") };
    await copySnapshots(source, await createTestRepository(), { ...events, batch: { minBytes: 1500, minMs: 0 } });
    const batch = ["planned", "planned", "copied", "copied"];
    assert.deepEqual(steps, [...batch, ...batch]);
  });

  test("a blob that the source lacks or has damaged is an error, and no snapshot is made", async () => {
    const lacking = await createTestRepository();
    const content = [idOf<BlobId>(Buffer.from("not stored"))];
    const [tree = "" as BlobId] = await storeBlobs(lacking, "tree", [encodeTree([fileNode("f", content)])]);
    await storeSnapshot(lacking, tree);
    const damaged = await sampleSource();
    const [location = assert.fail()] = damaged.index.lookup({ type: "data", id: idOf<BlobId>(longFile[1] as Buffer) });
    await flip(damaged, location.packId, location.offset + 20);
    for (const [source, code] of [
      [lacking, "blob-missing"],
      [damaged, "blob-damaged"],
    ] as const) {
      const target = await createTestRepository();
      await assert.rejects(copySnapshots(source, target), (error) => RepositoryError.is(error, code), code);
      assert.equal((await collect(target.snapshots())).length, 0);
    }
  });

  test("of a blob that is stored twice the good copy is taken", async () => {
    const source = await sampleSource();
    const other = await reopen(source.storage);
    const id = idOf<BlobId>(longFile[1] as Buffer);
    // A process that does not know the index stores the blob a second time.
    await storeBlobs(other, "data", [longFile[1] as Buffer]);
    await source.refreshIndex();
    const locations = source.index.lookup({ type: "data", id });
    assert.equal(locations.length, 2);
    await flip(source, locations[0]?.packId as PackId, (locations[0]?.offset ?? 0) + 20);
    const target = await createTestRepository();
    await copySnapshots(await reopen(source.storage), target);
    assert.ok((await (await refreshed(target)).loadBlob({ type: "data", id })).equals(longFile[1] as Buffer));
  });
});

async function refreshed(repo: Repository): Promise<Repository> {
  const other = await reopen(repo.storage);
  await other.refreshIndex();
  return other;
}

async function flip(repo: Repository, pack: PackId, at: number): Promise<void> {
  const bytes = await repo.storage.get(keyOf("pack", pack));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await repo.storage.put(keyOf("pack", pack), bytes);
}
