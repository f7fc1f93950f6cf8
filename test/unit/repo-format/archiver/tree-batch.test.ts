import assert from "node:assert/strict";
import { test } from "node:test";
import { TreeBatch } from "../../../../repo-format/archiver/tree-batch.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";

const mebibyte = 1024 * 1024;

test("trees lie one behind the other, with their ids, in memory that can be handed over", () => {
  const trees = ["one", "", "three"].map((text) => Buffer.from(text));
  const batch = new TreeBatch(3);
  for (const tree of trees) batch.add(idOf<BlobId>(tree), tree);
  assert.deepEqual([...batch.trees()], trees);
  const { type, bytes, ends, ids } = batch.plaintexts();
  assert.deepEqual([type, Buffer.from(bytes).toString(), [...ends]], ["tree", "onethree", [3, 3, 8]]);
  assert.equal(Buffer.from(ids).toString("hex"), trees.map((tree) => idOf(tree)).join(""));
  const moved = structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
  assert.equal(Buffer.from(moved).toString(), "onethree");
});

test("a batch has room for a mebibyte and for 1024 trees, and for one of any size", () => {
  const half = new TreeBatch(mebibyte / 2);
  half.add(idOf<BlobId>(Buffer.from("a")), Buffer.alloc(mebibyte / 2));
  assert.deepEqual([half.hasRoomFor(mebibyte / 2), half.hasRoomFor(mebibyte / 2 + 1)], [true, false]);
  const many = new TreeBatch(1);
  for (let count = 0; count < 1024; count++) many.add(idOf<BlobId>(Buffer.from("a")), Buffer.alloc(1));
  assert.equal(many.hasRoomFor(1), false);
  const large = new TreeBatch(3 * mebibyte);
  large.add(idOf<BlobId>(Buffer.from("a")), Buffer.alloc(3 * mebibyte));
  assert.deepEqual([large.bytes, large.hasRoomFor(1)], [3 * mebibyte, false]);
});
