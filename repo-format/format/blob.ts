// A blob is the unit that is stored, named and deduplicated: a chunk of a file ("data") or a directory ("tree").
import type { BlobId } from "./id.ts";

export type BlobType = "data" | "tree";

/** Type and id together: an id present as data and as tree are two blobs. */
export interface BlobHandle {
  readonly type: BlobType;
  readonly id: BlobId;
}

/** Where a blob lies in its pack. */
export interface PackedBlob extends BlobHandle {
  /** Of the first sealed byte, from the start of the pack. */
  readonly offset: number;
  /** Sealed bytes: nonce, ciphertext and MAC. */
  readonly length: number;
  /** Bytes after decompression; 0 means that the blob is stored uncompressed. */
  readonly uncompressedLength: number;
}

/** Bytes that sealing adds: 16 of nonce, 16 of MAC (restic design, *Keys, Encryption and MAC*). */
export const sealOverheadBytes = 32;

/** Lengths have 32 bits in pack headers. */
export const maxBlobLength = 0xffff_ffff;

/** Bytes of the blob as its id was computed from. */
export function plaintextLength(blob: Pick<PackedBlob, "length" | "uncompressedLength">): number {
  return blob.uncompressedLength !== 0 ? blob.uncompressedLength : blob.length - sealOverheadBytes;
}
