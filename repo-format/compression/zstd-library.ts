// What the program needs of a zstd library. zstd-napi-library.ts is the one in use; zstd-zlib-library.ts stands in where
// the add-on does not load.

export interface ZstdLibrary {
  readonly name: "zstd-napi" | "node:zlib";
  /** A kept context: one frame a call, with its content size and without a checksum; valid until the next call. */
  createCompressor(level: number): { compress(plain: Uint8Array): Buffer };
  /** @returns the bytes written, perhaps fewer than fit. @throws Error when the frame is broken or has more bytes. */
  decompressInto(frame: Uint8Array, target: Uint8Array): number;
  /** For frames of unknown length. @throws Error when the frame is broken, cut off, or has more than `maxBytes`. */
  decompressUpTo(frame: Uint8Array, maxBytes: number): Buffer;
  /** Whether the frame unpacks to exactly these bytes, in little memory. @throws Error when the frame is broken. */
  unpacksTo(frame: Uint8Array, plain: Uint8Array): boolean;
}
