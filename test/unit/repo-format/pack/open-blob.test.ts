import assert from "node:assert/strict";
import { test } from "node:test";
import { createCompressor } from "../../../../repo-format/compression/zstd.ts";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { openBlob } from "../../../../repo-format/pack/open-blob.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const sealer = new Sealer(generateMasterKey((size) => seededBytes("key", size)));
const plain = Buffer.from("the same words again and again ".repeat(50));
const facts = { type: "data", id: idOf<BlobId>(plain), uncompressedLength: plain.length } as const;
const sealed = sealer.seal(createCompressor("auto").compress(plain));

test("openBlob gives back what was compressed and sealed, and what was only sealed", () => {
  assert.deepEqual(openBlob(sealer, facts, sealed), plain);
  assert.deepEqual(openBlob(sealer, { ...facts, uncompressedLength: 0 }, sealer.seal(plain)), plain);
});

test("openBlob reports a changed byte, a wrong length, a wrong id and cut off bytes as a damaged blob", () => {
  const changed = Buffer.from(sealed);
  changed[20] = (changed[20] ?? 0) ^ 1;
  const damaged = { code: "blob-damaged" };
  assert.throws(() => openBlob(sealer, facts, changed), damaged);
  assert.throws(() => openBlob(sealer, { ...facts, uncompressedLength: 10 }, sealed), damaged);
  assert.throws(() => openBlob(sealer, { ...facts, uncompressedLength: plain.length + 1 }, sealed), damaged);
  assert.throws(() => openBlob(sealer, { ...facts, uncompressedLength: 0 }, sealed), damaged);
  assert.throws(() => openBlob(sealer, { ...facts, id: idOf<BlobId>(Buffer.from("x")) }, sealed), damaged);
  assert.throws(() => openBlob(sealer, facts, sealed.subarray(0, 20)), damaged);
});
