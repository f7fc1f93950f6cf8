import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  createCompressor,
  decompress,
  decompressUnknown,
  unpacksTo,
  zstdLibraryName,
} from "../../../../repo-format/compression/zstd.ts";
import type { FrameComparer, ZstdLibrary } from "../../../../repo-format/compression/zstd-library.ts";
import { loadZstdNapi } from "../../../../repo-format/compression/zstd-napi-library.ts";
import { zlibZstd } from "../../../../repo-format/compression/zstd-zlib-library.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";

/** "stowage stowage stowage" and nothing, two frames that do not say their length; written by a zstd stream. */
const framesWithoutSize = Buffer.from("28b52ffd00587500004073746f77616765200100eb0a17" + "28b52ffd0000010000", "hex");

const napi = loadZstdNapi();
const text = Buffer.from("all work and no play makes a dull node; ".repeat(5000));

test("the add-on is in use here", () => {
  assert.equal(zstdLibraryName, "zstd-napi");
});

for (const mode of ["fastest", "auto", "better", "max"] as const) {
  test(`mode ${mode} compresses and decompresses, whatever the length`, () => {
    const compressor = createCompressor(mode);
    for (const plain of [
      Buffer.of(7),
      text,
      randomBytes(100_000),
      Buffer.alloc(9 * 1024 * 1024),
      text.subarray(3, 77),
    ]) {
      const frame = compressor.compress(plain);
      assert.ok(decompress(frame, plain.length).equals(plain));
      assert.ok(decompressUnknown(frame, plain.length).equals(plain));
    }
    assert.ok(compressor.compress(text).length < text.length / 20);
  });
}

test("results of one compressor do not share memory", () => {
  const compressor = createCompressor("auto");
  const first = compressor.compress(text);
  const copy = Buffer.from(first);
  compressor.compress(randomBytes(text.length));
  assert.ok(first.equals(copy));
});

test("there is no compressor for off", () => {
  assert.throws(() => createCompressor("off"), /bug/);
});

for (const library of [napi, zlibZstd]) {
  test(`${library.name} reads the frames of the other library, with and without their size`, () => {
    for (const writer of [napi, zlibZstd]) {
      const frame = writer.createCompressor(2).compress(text);
      assert.ok(unpacked(library, frame, text.length).equals(text));
      assert.ok(library.decompressUpTo(frame, text.length).equals(text));
    }
  });

  test(`${library.name} refuses frames with more bytes than allowed`, () => {
    const frame = library.createCompressor(2).compress(text);
    assert.throws(() => unpacked(library, frame, text.length - 1));
    assert.throws(() => library.decompressUpTo(frame, text.length - 1));
    assert.throws(() => library.decompressUpTo(frame, 0));
  });

  test(`${library.name} refuses frames that are cut off or empty`, () => {
    const frame = library.createCompressor(2).compress(text);
    for (const length of [0, 1, 4, 5, 10, frame.length - 1]) {
      assert.throws(() => library.decompressUpTo(frame.subarray(0, length), text.length), String(length));
    }
  });
}

test("frames without their size, and several in a row, are read", () => {
  for (const library of [napi, zlibZstd]) {
    assert.equal(unpacked(library, framesWithoutSize, 23).toString(), "stowage stowage stowage");
    assert.equal(library.decompressUpTo(framesWithoutSize, 100).toString(), "stowage stowage stowage");
  }
  assert.equal(decompress(framesWithoutSize, 23).toString(), "stowage stowage stowage");
});

test("a frame is compared with what it should unpack to, block by block, by both libraries", () => {
  const plain = Buffer.concat([text, randomBytes(300_000), text]);
  const frame = createCompressor("auto").compress(plain);
  const changed = Buffer.from(plain);
  changed[plain.length - 1] = (changed[plain.length - 1] ?? 0) ^ 1;
  for (const library of [napi, zlibZstd]) {
    for (const pieceBytes of [1000, 128 * 1024, frame.length]) {
      const isSame = comparison(library.createComparer(), pieceBytes);
      // In turn: what became of one frame changes nothing about the next.
      assert.equal(isSame(frame, changed), false);
      assert.equal(isSame(frame, plain), true);
      assert.equal(isSame(frame, Buffer.concat([plain, Buffer.of(0)])), false);
      assert.equal(isSame(frame, plain), true);
      assert.equal(isSame(frame, plain.subarray(0, -1)), false);
      assert.equal(isSame(frame.subarray(0, -1), plain), false);
      assert.equal(isSame(frame, plain), true);
    }
  }
  assert.equal(unpacksTo(frame, plain), true);
  const longer = Buffer.concat([frame, Buffer.alloc(3000)]);
  for (const broken of [frame.subarray(0, -1), frame.subarray(1), Buffer.alloc(0), longer])
    assert.equal(unpacksTo(broken, plain), false);
  assert.equal(unpacksTo(frame, plain.subarray(0, -1)), false);
});

test("a blob whose length is not the stored one is damaged", () => {
  const frame = createCompressor("auto").compress(text);
  const lengths = [0, 1, text.length - 1, text.length + 1, 0xffff_ffff];
  for (const length of lengths) assert.throws(() => decompress(frame, length), isDamaged, String(length));
  for (const broken of [
    Buffer.alloc(0),
    randomBytes(50),
    frame.subarray(0, 40),
    Buffer.concat([frame, Buffer.of(1)]),
  ]) {
    assert.throws(() => decompress(broken, text.length), isDamaged);
  }
});

test("a frame that claims terabytes costs no memory", () => {
  // A header with 8 bytes of content size, then one small block.
  const frame = Buffer.from("28b52ffde0ffffffffff0f0000010000", "hex");
  assert.throws(() => decompress(frame, 100), isDamaged);
  assert.throws(
    () => decompressUnknown(frame, 1 << 20),
    (error) => RepositoryError.is(error, "file-damaged"),
  );
});

test("a few bytes that unpack to gigabytes are stopped at the limit", () => {
  const bomb = createCompressor("fastest").compress(Buffer.alloc(64 * 1024 * 1024));
  assert.ok(bomb.length < 10_000);
  assert.throws(
    () => decompressUnknown(bomb, 1024 * 1024),
    (error) => RepositoryError.is(error, "file-damaged"),
  );
});

/** What both libraries say of a frame that comes in pieces; a broken one is another. */
function comparison(comparer: FrameComparer, pieceBytes: number): (frame: Buffer, plain: Buffer) => boolean {
  return (frame, plain) => {
    try {
      comparer.begin(plain);
      for (let at = 0; at < frame.length; at += pieceBytes)
        if (!comparer.take(frame.subarray(at, at + pieceBytes))) return false;
      return comparer.end();
    } catch {
      return false;
    }
  };
}

function isDamaged(error: unknown): boolean {
  return RepositoryError.is(error, "blob-damaged");
}

function unpacked(library: ZstdLibrary, frame: Uint8Array, length: number): Buffer {
  const plain = Buffer.alloc(length);
  return plain.subarray(0, library.decompressInto(frame, plain));
}
