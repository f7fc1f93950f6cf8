// zstd as restic stores it: one standard frame a blob. Sizes come from the index or the pack header, never from the frame,
// which may lack them or lie.
import { RepositoryError } from "../errors.ts";
import type { FrameComparer, ZstdLibrary } from "./zstd-library.ts";
import { loadZstdNapi } from "./zstd-napi-library.ts";
import { zlibZstd } from "./zstd-zlib-library.ts";

/** restic's words; "off" means that callers do not compress at all. */
export type CompressionMode = "auto" | "off" | "fastest" | "better" | "max";

export interface Compressor {
  /** One frame with its content size and without a checksum, a new buffer. */
  compress(plain: Uint8Array): Buffer;
  /** The same in the compressor's own memory: valid until its next call. For blob after blob, where new memory costs. */
  compressOver(plain: Uint8Array): Buffer;
}

/**
 * libzstd's levels, chosen so that the stored bytes stay within 2 % of what restic 0.19.1 stores in the same mode, for the
 * same blobs. Measured (restic = 1; one core): auto, level 2: 1.010 on /usr/share at 314 MB/s and 1.014 on a node_modules at
 * 382, where level 3 gives 0.991 at 260 and 0.971 at 304; better, level 5: 0.95 to 0.997 at 97 to 225 MB/s; max, level 11:
 * 0.985 to 0.997 at 23 to 52; fastest, level 1: 0.98 to 1.03 at 340 to 600.
 */
const levels: Readonly<Record<Exclude<CompressionMode, "off">, number>> = { fastest: 1, auto: 2, better: 5, max: 11 };

/** A block of a frame unpacks to at most 128 KiB and takes at least 4 bytes (RFC 8878 §3.1.1.2). */
const maxBlockBytes: number = 128 * 1024;
const minBlockBytes = 4;

const library: ZstdLibrary = loadLibrary();

function loadLibrary(): ZstdLibrary {
  try {
    return loadZstdNapi();
  } catch {
    // Built for another platform or not at all: the format is the same, only slower.
    return zlibZstd;
  }
}

/** Which library does the work; for diagnosis. */
export const zstdLibraryName: ZstdLibrary["name"] = library.name;

/** A compressor for one thread; it keeps its context. "off" is a mistake of the caller. */
export function createCompressor(mode: CompressionMode): Compressor {
  if (mode === "off") throw new Error('bug: there is no compressor for "off"');
  const compressor = library.createCompressor(levels[mode]);
  return {
    compress: (plain) => Buffer.from(compressor.compress(plain)),
    compressOver: (plain) => compressor.compress(plain),
  };
}

/**
 * Decompresses a blob.
 * @param uncompressedLength from the index or the pack header; bounds the memory.
 * @throws RepositoryError "blob-damaged" when the frame is broken or has another length.
 */
export function decompress(frame: Uint8Array, uncompressedLength: number): Buffer {
  if (uncompressedLength > Math.ceil(frame.length / minBlockBytes) * maxBlockBytes) {
    throw damaged(`${frame.length} bytes cannot hold ${uncompressedLength}`);
  }
  const plain = Buffer.allocUnsafeSlow(uncompressedLength);
  decompressInto(frame, plain);
  return plain;
}

/** The same into memory of exactly the blob's length. @throws RepositoryError "blob-damaged" */
export function decompressInto(frame: Uint8Array, target: Uint8Array): void {
  const length = attempt(() => library.decompressInto(frame, target), damaged);
  if (length !== target.length) throw damaged(`it has ${length} bytes, not ${target.length}`);
}

/**
 * Decompresses a file whose length nobody stored.
 * @param maxBytes bounds the memory against a frame that unpacks to terabytes.
 * @throws RepositoryError "file-damaged" when the frame is broken or longer.
 */
export function decompressUnknown(frame: Uint8Array, maxBytes: number): Buffer {
  return attempt(
    () => library.decompressUpTo(frame, maxBytes),
    (reason) => new RepositoryError("file-damaged", `the file cannot be decompressed: ${reason}`),
  );
}

/** Whether the frame unpacks to exactly these bytes; a broken one does not. Takes a block's memory, not the file's. */
export function unpacksTo(frame: Uint8Array, plain: Uint8Array): boolean {
  const comparer = createFrameComparer();
  comparer.begin(plain);
  return comparer.take(frame) && comparer.end();
}

/** For frames that come in pieces, in the memory of a few blocks; for one thread. A broken frame differs; nothing is thrown. */
export function createFrameComparer(): FrameComparer {
  const comparer = library.createComparer();
  const isSame = (work: () => boolean): boolean => {
    try {
      return work();
    } catch {
      // Whatever is wrong with the frame, the answer is no.
      return false;
    }
  };
  return {
    begin: (plain) => comparer.begin(plain),
    take: (piece) => isSame(() => comparer.take(piece)),
    end: () => isSame(() => comparer.end()),
  };
}

function attempt<T>(work: () => T, describe: (reason: string) => RepositoryError): T {
  try {
    return work();
  } catch (error) {
    throw describe(error instanceof Error ? error.message : String(error));
  }
}

function damaged(reason: string): RepositoryError {
  return new RepositoryError("blob-damaged", `the blob cannot be decompressed: ${reason}`);
}
