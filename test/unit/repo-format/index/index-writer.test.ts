import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, IndexId, PackId } from "../../../../repo-format/format/id.ts";
import type { IndexPack } from "../../../../repo-format/format/index-file.ts";
import { IndexFileEntries } from "../../../../repo-format/index/index-file-entries.ts";
import { IndexWriter } from "../../../../repo-format/index/index-writer.ts";

function packOf(number: number, blobCount: number): IndexPack {
  const id = `b${number}`.padEnd(64, "0") as PackId;
  const blobs = Array.from({ length: blobCount }, (_, place) => ({
    type: "data" as const,
    id: `d${number}${place}`.padEnd(64, "0") as BlobId,
    offset: place * 40,
    length: 40,
    uncompressedLength: 0,
  }));
  return { id, blobs };
}

interface Saved {
  readonly blobCount: number;
  readonly packIds: readonly PackId[];
}

function recorder(maxBlobs: number, maxAgeMs: number = 60_000): { saved: Saved[]; writer: IndexWriter } {
  const saved: Saved[] = [];
  const counts: number[] = [];
  const writer = new IndexWriter({
    save: async (json) => {
      counts.push(IndexFileEntries.decode(json).count);
      return String(counts.length) as IndexId;
    },
    onSaved: (packIds, id) => saved.push({ packIds, blobCount: counts[Number(id) - 1] ?? 0 }),
    maxBlobs,
    maxAgeMs,
  });
  return { saved, writer };
}

test("IndexWriter saves a file when it is full and the rest at flush", async () => {
  const { saved, writer } = recorder(5);
  for (let number = 0; number < 4; number++) writer.add(packOf(number, 2));
  await writer.flush();
  assert.deepEqual(
    saved.map(({ blobCount, packIds }) => [blobCount, packIds.length]),
    [
      [6, 3],
      [2, 1],
    ],
  );
});

test("IndexWriter saves nothing when there is nothing", async () => {
  const { saved, writer } = recorder(5);
  await writer.flush();
  assert.deepEqual(saved, []);
});

test("IndexWriter saves by itself once the first pack has waited long enough", async () => {
  const done = Promise.withResolvers<void>();
  const writer = new IndexWriter({
    save: async () => "1" as IndexId,
    onSaved: () => done.resolve(),
    maxAgeMs: 1,
  });
  writer.add(packOf(1, 1));
  // The writer's timer keeps no process alive, so this one does.
  const keepAlive = setInterval(() => undefined, 1000);
  await done.promise;
  clearInterval(keepAlive);
});

test("IndexWriter tells of a failed save at once, and every flush after it fails", async () => {
  const failures: unknown[] = [];
  const writer = new IndexWriter({
    save: () => Promise.reject(new Error("no")),
    onSaved: () => assert.fail("nothing was saved"),
    onFailed: (error) => failures.push(error),
    maxBlobs: 1,
  });
  writer.add(packOf(1, 1));
  await assert.rejects(writer.flush(), /no/);
  await assert.rejects(writer.flush(), /no/);
  assert.equal(failures.length, 1);
});
