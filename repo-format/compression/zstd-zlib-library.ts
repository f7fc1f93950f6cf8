// zstd from Node itself: slower for small blobs, since each call makes a context, but always there.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ZstdLibrary } from "./zstd-library.ts";

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
  unpacksTo: (frame, plain) => decompressUpTo(frame, plain.length).equals(plain),
};

function decompressUpTo(frame: Uint8Array, maxBytes: number): Buffer {
  // zlib refuses a limit of 0.
  const plain = zstdDecompressSync(frame, { maxOutputLength: Math.max(maxBytes, 1) });
  if (plain.length > maxBytes) throw new Error(`the frame has more than ${maxBytes} bytes`);
  return plain;
}
