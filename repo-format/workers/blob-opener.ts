// In the worker, the way back: sealed → opened → decompressed → compared with its id, in memory that is used again for each
// blob. What comes out is right.
import { decompress, decompressInto } from "../compression/zstd.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import { Sealer } from "../crypto/seal.ts";
import { sha256Into } from "../crypto/sha256.ts";
import { RepositoryError } from "../errors.ts";
import type { BlobType } from "../format/blob.ts";
import { idBytes, idFromBytes } from "../format/id.ts";

/** Memory is kept up to the size that a largest chunk needs, and grows in these steps. */
const maxKeptBytes: number = 9 * 1024 * 1024;

/** A blob as its pack's columns have it. */
export interface ColumnBlob {
  readonly type: BlobType;
  /** 32 bytes: as text they would cost more than to compare them. */
  readonly id: Uint8Array;
  /** 0: stored uncompressed. */
  readonly uncompressedLength: number;
}

export class BlobOpener {
  readonly #sealer: Sealer;
  readonly #actualId: Buffer = Buffer.alloc(idBytes);
  #opened: Buffer = Buffer.alloc(0);
  #decompressed: Buffer = Buffer.alloc(0);

  constructor(key: MasterKey) {
    this.#sealer = new Sealer(key);
  }

  /**
   * @returns the plaintext, valid until the next call.
   * @throws RepositoryError "blob-damaged" when it is not authentic, does not decompress to the expected length, or has
   *   another hash than its id.
   */
  open(blob: ColumnBlob, sealed: Uint8Array): Buffer {
    const plaintext = this.#openAndDecompress(blob, sealed);
    sha256Into(plaintext, this.#actualId);
    if (this.#actualId.equals(blob.id)) return plaintext;
    throw damaged(blob, `its content has the hash ${idFromBytes(this.#actualId)}`);
  }

  #openAndDecompress(blob: ColumnBlob, sealed: Uint8Array): Buffer {
    const { uncompressedLength } = blob;
    try {
      this.#opened = roomIn(this.#opened, sealed.length);
      const opened = this.#opened.subarray(0, this.#sealer.openInto(sealed, this.#opened));
      if (uncompressedLength === 0) return opened;
      // The length comes from the index: only a small one may be believed before the frame was looked at.
      if (uncompressedLength > maxKeptBytes) return decompress(opened, uncompressedLength);
      this.#decompressed = roomIn(this.#decompressed, uncompressedLength);
      const plaintext = this.#decompressed.subarray(0, uncompressedLength);
      decompressInto(opened, plaintext);
      return plaintext;
    } catch (error) {
      if (!RepositoryError.is(error)) throw error;
      throw damaged(blob, error.message, error);
    } finally {
      if (this.#opened.length > maxKeptBytes) this.#opened = Buffer.alloc(0);
    }
  }
}

/** Up to the limit at least doubled, so that memory of many sizes is not left behind. */
function roomIn(kept: Buffer, bytes: number): Buffer {
  if (kept.length >= bytes) return kept;
  return Buffer.allocUnsafeSlow(
    bytes > maxKeptBytes ? bytes : Math.min(Math.max(bytes, 2 * kept.length), maxKeptBytes),
  );
}

function damaged(blob: ColumnBlob, reason: string, cause?: unknown): RepositoryError {
  const { type } = blob;
  const id = idFromBytes(blob.id);
  return new RepositoryError("blob-damaged", `the ${type} blob ${id} is damaged: ${reason}`, {
    details: { blob: id, type },
    cause,
  });
}
