import assert from "node:assert/strict";
import { test } from "node:test";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { idOf } from "../../../../repo-format/format/id.ts";
import { decodePackHeader } from "../../../../repo-format/format/pack-header.ts";
import { type FinishedPack, PackWriter, type SealedBlob } from "../../../../repo-format/pack/pack-writer.ts";
import { seededBytes } from "../../../support/memory-repository.ts";

const sealer = new Sealer(generateMasterKey((size) => seededBytes("key", size)));

function sealedBlob(seed: number, size: number, uncompressedLength: number = 0): SealedBlob {
  const plain = seededBytes(seed, size);
  return { type: "data", id: idOf(plain), sealed: sealer.seal(plain), uncompressedLength, plaintextLength: size };
}

/** Takes a finished pack apart by the format alone. */
function assertSound(pack: FinishedPack, blobs: readonly SealedBlob[]): void {
  const file = Buffer.concat(pack.body);
  assert.equal(pack.sizeBytes, file.length);
  assert.equal(pack.id, idOf(file));
  const headerLength = file.readUInt32LE(file.length - 4);
  const header = decodePackHeader(sealer.open(file.subarray(file.length - 4 - headerLength, file.length - 4)));
  assert.deepEqual(header, [...pack.blobs]);
  assert.deepEqual(
    header.map(({ id, offset, length, uncompressedLength }) => ({
      id,
      uncompressedLength,
      sealed: file.subarray(offset, offset + length),
    })),
    blobs.map(({ id, uncompressedLength, sealed }) => ({ id, uncompressedLength, sealed })),
  );
}

test("PackWriter lays blobs back to back, whatever their sizes, and the header behind them", () => {
  const writer = new PackWriter(sealer);
  const sizes = [10, 0, 40_000, 100, 31_968, 31_969, 200_000, 1, 300_000, 5];
  const blobs = sizes.map((size, seed) => sealedBlob(seed, size, seed % 2 === 0 ? 0 : size + 5));
  for (const blob of blobs) writer.add(blob);
  assert.equal(
    writer.sizeBytes,
    sizes.reduce((sum, size) => sum + size + 32, 0),
  );
  assertSound(writer.finish(), blobs);
});

test("PackWriter copies small blobs into few buffers", () => {
  const writer = new PackWriter(sealer);
  const blobs = Array.from({ length: 2000 }, (_, seed) => sealedBlob(seed, 500));
  for (const blob of blobs) writer.add(blob);
  const pack = writer.finish();
  assert.ok(pack.body.length < 10, `${pack.body.length} buffers`);
  assertSound(pack, blobs);
});

test("PackWriter.absorb takes over another writer's blobs in their order", () => {
  const [first, second] = [new PackWriter(sealer), new PackWriter(sealer)];
  const blobs = [100, 50_000, 7, 60_000, 9].map((size, seed) => sealedBlob(seed, size));
  for (const blob of blobs.slice(0, 2)) first.add(blob);
  for (const blob of blobs.slice(2, 4)) second.add(blob);
  assert.equal(first.canAbsorb(second, 1_000_000), true);
  assert.equal(first.canAbsorb(second, 100_000), false);
  assert.equal(first.canAbsorb(undefined, 1_000_000), false);
  first.absorb(second);
  first.add(blobs[4] as SealedBlob);
  assertSound(first.finish(), blobs);
});

test("PackWriter refuses what cannot be a sealed blob", () => {
  const blob = { ...sealedBlob(1, 10), sealed: Buffer.alloc(31) };
  assert.throws(() => new PackWriter(sealer).add(blob), /bug/);
});
