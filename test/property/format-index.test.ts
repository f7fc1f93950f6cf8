// Index files and pack headers of random entries: what is written is read back, and damage gives a clear error.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { PackedBlob } from "../../repo-format/format/blob.ts";
import { type BlobId, idFromBytes, idOf, type PackId } from "../../repo-format/format/id.ts";
import { decodeIndexFile, encodeIndexFile, type IndexPack } from "../../repo-format/format/index-file.ts";
import { decodePackHeader, encodePackHeader } from "../../repo-format/format/pack-header.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const id = <T extends BlobId | PackId>(): fc.Arbitrary<T> =>
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => idOf<T>(bytes));
const length = fc.integer({ min: 32, max: 0xffff_ffff });
const blob = fc.record(
  {
    type: fc.constantFrom("data" as const, "tree" as const),
    id: id<BlobId>(),
    offset: uint32,
    length,
    uncompressedLength: fc.oneof(fc.constant(0), uint32),
  },
  { noNullPrototype: true },
);
const packs = fc.array(
  fc.record({ id: id<PackId>(), blobs: fc.array(blob, { maxLength: 6 }) }, { noNullPrototype: true }),
  { maxLength: 4 },
);

function decode(bytes: Uint8Array): IndexPack[] {
  const found: { id: PackId; blobs: PackedBlob[] }[] = [];
  decodeIndexFile(bytes, {
    pack: (packId) => found.push({ id: idFromBytes(packId), blobs: [] }),
    blob: (...[type, blobId, offset, sealedLength, uncompressedLength]) => {
      found.at(-1)?.blobs.push({ type, id: idFromBytes(blobId), offset, length: sealedLength, uncompressedLength });
    },
  });
  return found;
}

test("every index is read back as it was written, also after another program has indented it", () => {
  fc.assert(
    fc.property(packs, (list) => {
      const encoded = encodeIndexFile(list);
      assert.deepEqual(decode(encoded), list);
      assert.deepEqual(decode(Buffer.from(JSON.stringify(JSON.parse(encoded.toString()), undefined, 2))), list);
    }),
    { numRuns: 200 },
  );
});

test("a changed byte in an index gives other entries or a clear error", () => {
  fc.assert(
    fc.property(packs, fc.nat(), fc.integer({ min: 0, max: 255 }), (list, at, byte) => {
      const encoded = encodeIndexFile(list);
      encoded[at % encoded.length] = byte;
      try {
        decode(encoded);
      } catch (error) {
        if (!RepositoryError.is(error, "index-malformed")) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

test("every pack header is read back as it was written", () => {
  fc.assert(
    fc.property(fc.array(blob, { maxLength: 40 }), (list) => {
      let offset = 0;
      const inOrder = list.map((item) => {
        const placed = { ...item, offset };
        offset += item.length;
        return placed;
      });
      assert.deepEqual(decodePackHeader(encodePackHeader(inOrder)), inOrder);
    }),
    { numRuns: 200 },
  );
});

test("any bytes give a pack header or a clear error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 4 }), (bytes, type) => {
      if (bytes.length > 0) bytes[0] = type;
      try {
        decodePackHeader(bytes);
      } catch (error) {
        if (!RepositoryError.is(error, "pack-damaged")) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
