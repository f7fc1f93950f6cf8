import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type PackedBlob, plaintextLength } from "../../../../repo-format/format/blob.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import {
  decodePackHeader,
  encodePackHeader,
  headerTailBytes,
  maxHeaderEntries,
  minPackBytes,
  packHeaderLength,
} from "../../../../repo-format/format/pack-header.ts";

const ids = [1, 2, 3, 4].map((number) => idOf<BlobId>(Buffer.of(number)));
const blobs: PackedBlob[] = [
  { type: "data", id: ids[0]!, offset: 0, length: 32, uncompressedLength: 0 },
  { type: "tree", id: ids[1]!, offset: 32, length: 100, uncompressedLength: 0 },
  { type: "data", id: ids[2]!, offset: 132, length: 0xffff_ff00, uncompressedLength: 0xffff_ffff },
  { type: "tree", id: ids[3]!, offset: 132 + 0xffff_ff00, length: 45, uncompressedLength: 511 },
];

test("encodePackHeader writes 37 bytes for a plain blob and 41 for a compressed one", () => {
  const header = encodePackHeader(blobs);
  assert.equal(header.length, 37 + 37 + 41 + 41);
  assert.equal(packHeaderLength(blobs), header.length);
  assert.deepEqual([header[0], header[37], header[74], header[115]], [0, 1, 2, 3]);
  assert.equal(header.subarray(37, 42).toString("hex"), "0164000000");
  assert.equal(header.subarray(74, 83).toString("hex"), "0200ffffffffffffff");
  assert.equal(header.subarray(42, 74).toString("hex"), ids[1]);
});

test("decodePackHeader sums the offsets up, beyond 4 GiB too", () => {
  assert.deepEqual(decodePackHeader(encodePackHeader(blobs)), blobs);
  assert.deepEqual(decodePackHeader(Buffer.alloc(0)), []);
});

test("decodePackHeader refuses a header cut off at any byte but an entry's end", () => {
  const header = encodePackHeader(blobs);
  for (let length = 1; length < header.length; length++) {
    const cut = header.subarray(0, length);
    if ([37, 74, 115].includes(length)) assert.equal(decodePackHeader(cut).length, [37, 74, 115].indexOf(length) + 1);
    else assert.throws(() => decodePackHeader(cut), isDamaged);
  }
});

test("decodePackHeader refuses unknown types, lengths below the overhead and compressed blobs of nothing", () => {
  for (const type of [4, 5, 0x7f, 0xff]) assert.throws(() => decodePackHeader(changed(0, type)), isDamaged);
  assert.throws(() => decodePackHeader(changed(1, 31)), isDamaged);
  const compressedNothing = encodePackHeader([{ ...blobs[2]!, offset: 0 }]);
  compressedNothing.fill(0, 5, 9);
  assert.throws(() => decodePackHeader(compressedNothing), isDamaged);
});

test("encodePackHeader refuses blobs that do not follow each other", () => {
  assert.throws(() => encodePackHeader([{ ...blobs[0]!, offset: 1 }]), /bug/);
});

test("the constants are the ones of the format", () => {
  assert.equal(maxHeaderEntries, 409_199);
  assert.equal(headerTailBytes, 651);
  assert.equal(minPackBytes, 73);
});

test("plaintextLength takes the overhead off, unless the blob is compressed", () => {
  assert.equal(plaintextLength(blobs[1]!), 68);
  assert.equal(plaintextLength(blobs[3]!), 511);
});

function changed(at: number, byte: number): Buffer {
  const header = encodePackHeader(blobs);
  header[at] = byte;
  return header;
}

function isDamaged(error: unknown): boolean {
  return RepositoryError.is(error, "pack-damaged");
}
