// In the worker: plaintext → compressed → encrypted → checked, straight into a slab. The check opens what was sealed and
// compares it with the plaintext, because a blob that was damaged by faulty memory cannot be repaired once it is stored.
import { type CompressionMode, type Compressor, createCompressor, decompress } from "../compression/zstd.ts";
import { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import { type BlobType, sealOverheadBytes } from "../format/blob.ts";
import type { BlobWorkerSetup } from "./messages.ts";
import type { SealedSlab } from "./sealed-slab.ts";

export class BlobSealer {
  readonly #sealer: Sealer;
  readonly #extraVerify: boolean;
  readonly #compressors: Readonly<Record<BlobType, Compressor | undefined>>;

  constructor(setup: BlobWorkerSetup) {
    this.#sealer = new Sealer(setup.masterKey);
    this.#extraVerify = setup.extraVerify;
    this.#compressors = { data: compressorOf(setup.dataCompression), tree: compressorOf(setup.treeCompression) };
  }

  /**
   * Appends one sealed blob to the slab.
   * @param plaintext 1 byte at least; not modified.
   * @throws RepositoryError "self-test-failed" when the sealed blob does not open to the plaintext.
   */
  seal(type: BlobType, id: Uint8Array, plaintext: Uint8Array, slab: SealedSlab): void {
    const compressed = this.#compressors[type]?.compress(plaintext);
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
      const opened = this.#sealer.open(sealed);
      return (isCompressed ? decompress(opened, plaintext.length) : opened).equals(plaintext);
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
