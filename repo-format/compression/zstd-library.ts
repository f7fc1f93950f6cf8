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
  /** Kept memory, of a few blocks: for one thread. */
  createComparer(): FrameComparer;
}

/** Compares a frame that comes in pieces with what it should unpack to. */
export interface FrameComparer {
  /** Another frame begins, whatever became of the one before. */
  begin(plain: Uint8Array): void;
  /** The next bytes. @returns false when something differs. @throws Error when the frame is broken. */
  take(piece: Uint8Array): boolean;
  /** Whether the frame and the plaintext have both ended. @throws Error when the frame is broken. */
  end(): boolean;
}
