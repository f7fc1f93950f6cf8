// zstd from Node itself: slower for small blobs, since each call makes a context, but always there.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { FrameComparer, ZstdLibrary } from "./zstd-library.ts";

export const zlibZstd: ZstdLibrary = {
  name: "node:zlib",
  createCompressor: (level) => ({
    compress: (plain) =>
      zstdCompressSync(plain, {
        params: { [constants.ZSTD_c_compressionLevel]: level },
        pledgedSrcSize: plain.length,
      } as object),
  }),
  decompressInto(frame, target) {
    const plain = decompressUpTo(frame, target.length);
    target.set(plain);
    return plain.length;
  },
  decompressUpTo,
  createComparer,
};

/** Not in little memory: zlib's streams are asynchronous. */
function createComparer(): FrameComparer {
  let expected: Uint8Array = Buffer.alloc(0);
  let pieces: Buffer[] = [];
  return {
    begin(plain) {
      expected = plain;
      pieces = [];
    },
    take(piece) {
      pieces.push(Buffer.from(piece));
      return true;
    },
    end: () => decompressUpTo(Buffer.concat(pieces.splice(0)), expected.length).equals(expected),
  };
}

function decompressUpTo(frame: Uint8Array, maxBytes: number): Buffer {
  // zlib refuses a limit of 0.
  const plain = zstdDecompressSync(frame, { maxOutputLength: Math.max(maxBytes, 1) });
  if (plain.length > maxBytes) throw new Error(`the frame has more than ${maxBytes} bytes`);
  return plain;
}
