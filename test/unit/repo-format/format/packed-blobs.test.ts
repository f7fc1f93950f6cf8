import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackedBlob } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { PackedBlobList } from "../../../../repo-format/format/packed-blobs.ts";

test("blobs come back as they were added, however many there are", () => {
  const blobs = Array.from({ length: 1000 }, (_, number): PackedBlob => {
    const id = idOf<BlobId>(Buffer.from(`${number}`));
    const offset = 4_294_967_295 - number;
    return { type: number % 3 === 0 ? "tree" : "data", id, offset, length: 32 + number, uncompressedLength: number };
  });
  const list = new PackedBlobList();
  assert.deepEqual([...list], []);
  for (const blob of blobs) list.add(blob);
  assert.equal(list.length, 1000);
  assert.deepEqual([...list], blobs);
  assert.deepEqual(list.at(999), blobs[999]);
});
