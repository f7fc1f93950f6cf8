// Fills one pack in memory: sealed blobs back to back, at the end the sealed header and its length (restic design, *Pack
// Format*). The hash grows with every blob, so that finishing a full pack costs next to nothing.
import { createHash } from "node:crypto";
import type { Sealer } from "../crypto/seal.ts";
import { type BlobType, type PackedBlob, sealOverheadBytes } from "../format/blob.ts";
import type { BlobId, PackId } from "../format/id.ts";
import { encodePackHeader, headerLengthBytes, maxHeaderEntries } from "../format/pack-header.ts";

/** restic's default for the size at which a pack is finished. */
export const defaultPackSizeBytes: number = 16 * 1024 * 1024;

/** Smaller blobs are copied together, so that a pack of small files is not made of ten thousand buffers. */
const copyBelowBytes: number = 32 * 1024;
const slabBytes: number = 256 * 1024;

/** A blob ready to be stored. */
export interface SealedBlob {
  readonly type: BlobType;
  readonly id: BlobId;
  /** nonce ‖ ciphertext ‖ MAC; belongs to the pack from now on and must not change. */
  readonly sealed: Uint8Array;
  /** Bytes after decompression; 0 when the blob is stored uncompressed. */
  readonly uncompressedLength: number;
  /** Bytes that the id was computed from. */
  readonly plaintextLength: number;
}

export interface FinishedPack {
  /** SHA-256 of the body. */
  readonly id: PackId;
  readonly body: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly blobs: readonly PackedBlob[];
}

export class PackWriter {
  readonly #sealer: Pick<Sealer, "seal">;
  readonly #parts: Uint8Array[] = [];
  #slab: Buffer = Buffer.alloc(0);
  #slabUsed = 0;
  readonly #hash = createHash("sha256");
  readonly #blobs: PackedBlob[] = [];
  #sizeBytes = 0;

  constructor(sealer: Pick<Sealer, "seal">) {
    this.#sealer = sealer;
  }

  /** Bytes of the blobs; the header is not counted. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get blobs(): readonly PackedBlob[] {
    return this.#blobs;
  }

  get isHeaderFull(): boolean {
    return this.#blobs.length >= maxHeaderEntries;
  }

  add(blob: SealedBlob): void {
    const { type, id, sealed, uncompressedLength } = blob;
    this.#blobs.push({ type, id, offset: this.#sizeBytes, length: sealed.length, uncompressedLength });
    this.#append(sealed);
    this.#sizeBytes += sealed.length;
  }

  /** True when both together are below the size and the header has room. */
  canAbsorb(other: PackWriter | undefined, packSizeBytes: number): boolean {
    if (other === undefined || this.#blobs.length + other.#blobs.length > maxHeaderEntries) return false;
    return this.#sizeBytes + other.#sizeBytes < packSizeBytes;
  }

  /** Takes over everything of another unfinished pack of the same type; the other one must not be used any more. */
  absorb(other: PackWriter): void {
    for (const blob of other.#blobs) {
      const offset = this.#sizeBytes + blob.offset;
      this.#blobs.push({ ...blob, offset });
    }
    other.#sealSlab();
    for (const part of other.#parts) this.#appendPart(part);
    this.#sizeBytes += other.#sizeBytes;
  }

  /** Completes the pack; the writer must not be used any more. */
  finish(): FinishedPack {
    const header = this.#sealer.seal(encodePackHeader(this.#blobs));
    const trailer = Buffer.alloc(headerLengthBytes);
    trailer.writeUInt32LE(header.length);
    this.#appendPart(Buffer.concat([header, trailer]));
    return {
      id: this.#hash.digest("hex") as PackId,
      body: this.#parts,
      sizeBytes: this.#sizeBytes + header.length + trailer.length,
      blobs: this.#blobs,
    };
  }

  #append(sealed: Uint8Array): void {
    if (sealed.length < sealOverheadBytes) throw new Error(`bug: a sealed blob of ${sealed.length} bytes`);
    if (sealed.length >= copyBelowBytes) {
      this.#appendPart(sealed);
      return;
    }
    if (this.#slabUsed + sealed.length > this.#slab.length) {
      this.#sealSlab();
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    }
    this.#slab.set(sealed, this.#slabUsed);
    this.#slabUsed += sealed.length;
  }

  /** Keeps the order: what lies in the slab comes first. */
  #appendPart(part: Uint8Array): void {
    this.#sealSlab();
    this.#hash.update(part);
    this.#parts.push(part);
  }

  #sealSlab(): void {
    if (this.#slabUsed === 0) return;
    const used = this.#slab.subarray(0, this.#slabUsed);
    this.#slab = this.#slab.subarray(this.#slabUsed);
    this.#slabUsed = 0;
    this.#hash.update(used);
    this.#parts.push(used);
  }
}
