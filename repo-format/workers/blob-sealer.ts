// In the worker: plaintext → compressed → encrypted → checked, straight into a slab. The check opens what was sealed and
// compares it with the plaintext, because a blob that was damaged by faulty memory cannot be repaired once it is stored.
import { type CompressionMode, type Compressor, createCompressor, decompressInto } from "../compression/zstd.ts";
import { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import { type BlobType, sealOverheadBytes } from "../format/blob.ts";
import type { BlobWorkerSetup } from "./messages.ts";
import { PiecewiseCheck, pieceBytes } from "./piecewise-check.ts";
import type { SealedSlab } from "./sealed-slab.ts";

export class BlobSealer {
  readonly #sealer: Sealer;
  readonly #extraVerify: boolean;
  /** Of blobs with more than one piece. */
  readonly #check: PiecewiseCheck;
  /** Memory that is used again for each other blob: new memory would cost more than the work on small ones. */
  #opened: Buffer = Buffer.alloc(0);
  #decompressed: Buffer = Buffer.alloc(0);
  readonly #compressors: Readonly<Record<BlobType, Compressor | undefined>>;

  constructor(setup: BlobWorkerSetup) {
    this.#sealer = new Sealer(setup.masterKey);
    this.#extraVerify = setup.extraVerify;
    this.#check = new PiecewiseCheck(this.#sealer);
    const data = compressorOf(setup.dataCompression);
    const isSame = setup.treeCompression === setup.dataCompression;
    this.#compressors = { data, tree: isSame ? data : compressorOf(setup.treeCompression) };
  }

  /**
   * Appends one sealed blob to the slab.
   * @param plaintext 1 byte at least; not modified.
   * @throws RepositoryError "self-test-failed" when the sealed blob does not open to the plaintext.
   */
  seal(type: BlobType, id: Uint8Array, plaintext: Uint8Array, slab: SealedSlab): void {
    const compressed = this.#compressors[type]?.compressOver(plaintext);
    // Data that does not shrink is stored as it is, which readers accept; a tree must be compressed in version 2.
    const isCompressed = compressed !== undefined && (type === "tree" || compressed.length < plaintext.length);
    const stored = isCompressed ? compressed : plaintext;
    const target = slab.room(stored.length + sealOverheadBytes);
    const sealedBytes = this.#sealer.sealInto(stored, target, 0);
    if (this.#extraVerify) this.#verify(target.subarray(0, sealedBytes), plaintext, isCompressed);
    slab.append(id, sealedBytes, isCompressed ? plaintext.length : 0, plaintext.length);
  }

  #verify(sealed: Uint8Array, plaintext: Uint8Array, isCompressed: boolean): void {
    if (this.#opensTo(sealed, plaintext, isCompressed)) return;
    throw new RepositoryError(
      "self-test-failed",
      `a blob of ${plaintext.length} bytes was sealed, but does not open to the same bytes: memory or a library is faulty`,
      { details: { plaintextBytes: plaintext.length, sealedBytes: sealed.length } },
    );
  }

  #opensTo(sealed: Uint8Array, plaintext: Uint8Array, isCompressed: boolean): boolean {
    try {
      if (plaintext.length > pieceBytes) return this.#check.opensTo(sealed, plaintext, isCompressed);
      this.#opened = roomIn(this.#opened, sealed.length);
      const opened = this.#opened.subarray(0, this.#sealer.openInto(sealed, this.#opened));
      if (!isCompressed) return opened.equals(plaintext);
      this.#decompressed = roomIn(this.#decompressed, plaintext.length);
      const decompressed = this.#decompressed.subarray(0, plaintext.length);
      decompressInto(opened, decompressed);
      return decompressed.equals(plaintext);
    } catch (error) {
      // Any failure to open is the answer to the question.
      if (RepositoryError.is(error)) return false;
      throw error;
    }
  }
}

function compressorOf(mode: CompressionMode): Compressor | undefined {
  return mode === "off" ? undefined : createCompressor(mode);
}

function roomIn(kept: Buffer, bytes: number): Buffer {
  return kept.length >= bytes ? kept : Buffer.allocUnsafeSlow(Math.max(bytes, 2 * kept.length));
}
