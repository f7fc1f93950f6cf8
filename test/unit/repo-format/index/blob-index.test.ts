import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import type { BlobId, IndexId, PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../../../repo-format/format/index-file.ts";
import { BlobIndex } from "../../../../repo-format/index/blob-index.ts";
import { BlobSet } from "../../../../repo-format/index/blob-set.ts";
import { IndexFileEntries } from "../../../../repo-format/index/index-file-entries.ts";

const hex = <T extends string>(digit: string, number: number): T => `${digit}${String(number).padStart(63, "0")}` as T;
const pack = (number: number): PackId => hex("b", number);
const blobId = (number: number): BlobId => hex("d", number);
const file = (number: number): IndexId => hex("e", number);
const blob = (number: number, offset: number = 0): PackedBlob => ({
  type: "data",
  id: blobId(number),
  offset,
  length: 100,
  uncompressedLength: 0,
});

function entriesOf(...packs: [PackId, ...PackedBlob[]][]): IndexFileEntries {
  return IndexFileEntries.decode(encodeIndexFile(packs.map(([id, ...blobs]) => ({ id, blobs }))));
}

test("lookup gives every place of a blob that is stored twice, once each", () => {
  const index = new BlobIndex();
  index.addFile(file(1), entriesOf([pack(1), blob(1)], [pack(2), blob(2), blob(1, 100)]));
  index.addFile(file(2), entriesOf([pack(2), blob(2), blob(1, 100)]));
  assert.deepEqual(index.lookup(blob(1)), [
    { packId: pack(1), offset: 0, length: 100, uncompressedLength: 0 },
    { packId: pack(2), offset: 100, length: 100, uncompressedLength: 0 },
  ]);
  assert.deepEqual(index.lookup(blob(3)), []);
  assert.equal(index.blobCount, 3);
});

test("packs lists blobs in the order of their offsets", () => {
  const index = new BlobIndex();
  index.addFile(file(1), entriesOf([pack(1), blob(2, 100), blob(1, 0)]));
  assert.deepEqual([...index.packs()], [{ id: pack(1), blobs: [blob(1, 0), blob(2, 100)] }]);
  assert.equal(index.hasPack(pack(1)), true);
  assert.equal(index.hasPack(pack(2)), false);
});

test("packs that are stored but in no saved index file are forgotten on request, saved ones stay", () => {
  const index = new BlobIndex();
  index.add(pack(1), [blob(1)]);
  index.add(pack(2), [blob(2)]);
  index.markSaved([pack(1)], file(1));
  assert.equal(index.has("data", blobId(2)), true);
  index.removePending();
  assert.equal(index.has("data", blobId(1)), true);
  assert.equal(index.has("data", blobId(2)), false);
  assert.deepEqual(index.planRefresh([file(1)]), [], "our own file need not be read");
});

test("pending packs survive a refresh that removes others", () => {
  const index = new BlobIndex();
  index.addFile(file(1), entriesOf([pack(1), blob(1)]));
  index.add(pack(2), [blob(2)]);
  index.planRefresh([]);
  index.removeStale();
  assert.equal(index.has("data", blobId(1)), false);
  assert.equal(index.has("data", blobId(2)), true);
  assert.deepEqual(
    [...index.packs()].map(({ id }) => id),
    [pack(2)],
  );
});

test("a file that replaces another keeps the packs of both known throughout", () => {
  const index = new BlobIndex();
  index.addFile(file(1), entriesOf([pack(1), blob(1)], [pack(2), blob(2)]));
  assert.deepEqual(index.planRefresh([file(2)]), [file(2)]);
  assert.equal(index.has("data", blobId(1)), true);
  index.addFile(file(2), entriesOf([pack(1), blob(1)]));
  assert.equal(index.lookup(blob(1)).length, 1);
  index.removeStale();
  assert.equal(index.lookup(blob(1)).length, 1);
  assert.equal(index.has("data", blobId(2)), false);
  assert.equal(index.blobCount, 1);
});

test("blobAt gives back the blob that positionOf numbered", () => {
  const index = new BlobIndex();
  index.addFile(file(1), entriesOf([pack(1), blob(1), { ...blob(2, 100), type: "tree", uncompressedLength: 9 }]));
  assert.deepEqual(index.blobAt(index.positionOf("tree", blobId(2))), {
    ...blob(2, 100),
    type: "tree",
    uncompressedLength: 9,
  });
});

test("BlobSet counts each blob once, knows what the index does not know, and grows with the index", () => {
  const index = new BlobIndex();
  index.add(pack(1), [blob(1), blob(2, 100)]);
  const set = new BlobSet(index);
  assert.equal(set.add("data", blobId(1)), "added");
  assert.equal(set.add("data", blobId(1)), "present");
  assert.equal(set.add("tree", blobId(1)), "unknown");
  const more = Array.from({ length: 100 }, (_, number) => blob(1000 + number, number * 100));
  index.add(pack(2), more);
  for (const one of more) assert.equal(set.add("data", one.id), "added");
  assert.equal(set.has("data", blobId(1)), true);
  assert.equal(set.has("data", blobId(2)), false);
  assert.equal(set.has("data", blobId(1050)), true);
  assert.equal(set.count, 101);
});

test("BlobSet keeps its answers when entries are removed, and refuses once the table was built anew", () => {
  const index = new BlobIndex();
  index.add(pack(1), [blob(1)]);
  index.markSaved([pack(1)], file(1));
  index.add(pack(2), [blob(2)]);
  const set = new BlobSet(index);
  set.add("data", blobId(1));
  set.add("data", blobId(2));
  index.removePending();
  assert.equal(set.has("data", blobId(1)), true);
  assert.equal(set.has("data", blobId(2)), false);
  index.table.compact();
  assert.throws(() => set.has("data", blobId(1)), { code: "index-incomplete" });
});

test("blobs names every entry, removed ones left out", () => {
  const index = new BlobIndex();
  index.add(pack(1), [blob(1)]);
  index.removePending();
  index.add(pack(2), [blob(2), blob(3, 100)]);
  assert.deepEqual([...index.blobs()], [blob(2), blob(3, 100)]);
  assert.equal(index.blobCount, 2);
});
