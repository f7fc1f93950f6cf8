import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId, PackId } from "../../../../repo-format/format/id.ts";
import { BlobIndex } from "../../../../repo-format/index/blob-index.ts";
import { KnownBlobs } from "../../../../repo-format/workers/known-blobs.ts";

const run = (number: number) => ({ number, cancelled: new SharedArrayBuffer(4) });
const id = (byte: number): Buffer => Buffer.alloc(32, byte);

test("a blob is sealed once a run, for each type", () => {
  const known = new KnownBlobs();
  assert.equal(known.claim(run(1), "data", id(1)), true);
  assert.equal(known.claim(run(1), "data", id(1)), false);
  assert.equal(known.claim(run(1), "tree", id(1)), true);
  assert.equal(known.claim(run(2), "data", id(1)), true);
  known.endRun(1);
  assert.equal(known.claim(run(1), "data", id(1)), true);
});

test("a blob of the shared table is not sealed", () => {
  const index = new BlobIndex();
  const blob = {
    type: "data",
    id: id(7).toString("hex") as BlobId,
    offset: 0,
    length: 50,
    uncompressedLength: 0,
  } as const;
  const known = new KnownBlobs();
  index.add(id(9).toString("hex") as PackId, [blob]);
  known.attach(index.table.handle());
  assert.equal(known.claim(run(1), "data", id(7)), false);
  assert.equal(known.claim(run(1), "data", id(8)), true);
});

test("the memory of what was sealed is bounded; what was forgotten is sealed once more", () => {
  const known = new KnownBlobs();
  const numbered = (number: number): Buffer => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(number);
    return bytes;
  };
  for (let number = 0; number < 20_000; number++) assert.equal(known.claim(run(1), "data", numbered(number)), true);
  assert.equal(known.claim(run(1), "data", numbered(19_999)), false);
  assert.equal(known.claim(run(1), "data", numbered(16_000)), false, "of the older half");
  assert.equal(known.claim(run(1), "data", numbered(0)), true);
});
