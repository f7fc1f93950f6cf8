import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../../../repo-format/format/index-file.ts";
import { IndexFileEntries } from "../../../../repo-format/index/index-file-entries.ts";
import { hashOfPack, MetPacks } from "../../../../repo-format/maintenance/index-pack-hash.ts";

const blob = (name: string, fields: Partial<PackedBlob> = {}): PackedBlob => ({
  type: "data",
  id: idOf<BlobId>(Buffer.from(name)),
  offset: 0,
  length: 50,
  uncompressedLength: 0,
  ...fields,
});
const packId = idOf<PackId>(Buffer.from("pack"));
const hashOf = (...blobs: PackedBlob[]): number =>
  hashOfPack(IndexFileEntries.decode(encodeIndexFile([{ id: packId, blobs }])), 0);

test("hashOfPack is equal for the same entries in any order, and different when anything else differs", () => {
  const [a, b] = [blob("a"), blob("b", { offset: 50 })];
  const expected = hashOf(a, b);
  assert.equal(hashOf(b, a), expected);
  const others = [
    [a],
    [a, blob("c", { offset: 50 })],
    [a, { ...b, offset: 51 }],
    [a, { ...b, length: 51 }],
    [a, { ...b, uncompressedLength: 1 }],
    [a, { ...b, type: "tree" as const }],
  ];
  for (const blobs of others) assert.notEqual(hashOf(...blobs), expected);
});

test("MetPacks answers what it was told first", () => {
  const met = new MetPacks();
  const id = new Uint32Array(8).fill(7);
  assert.equal(met.meet(id, { hash: 1, file: 3 }), undefined);
  assert.deepEqual(met.meet(id, { hash: 2, file: 4 }), { hash: 1, file: 3 });
  assert.equal(met.meet(new Uint32Array(8), { hash: 1, file: 3 }), undefined);
});
