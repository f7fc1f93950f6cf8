// In the worker, the way back: sealed → opened → decompressed → compared with its id, in memory that is used again for each
// blob. What comes out is right.
import { decompress, decompressInto } from "../compression/zstd.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import { idOf } from "../format/id.ts";

/** Memory is kept up to the size that a largest chunk needs, and grows in these steps. */
const maxKeptBytes: number = 9 * 1024 * 1024;

type OpenedBlob = Pick<PackedBlob, "type" | "id" | "uncompressedLength">;

export class BlobOpener {
  readonly #sealer: Sealer;
  #opened: Buffer = Buffer.alloc(0);
  #decompressed: Buffer = Buffer.alloc(0);

  constructor(key: MasterKey) {
    this.#sealer = new Sealer(key);
  }

  /**
   * @param blob `uncompressedLength` 0: stored uncompressed.
   * @returns the plaintext, valid until the next call.
   * @throws RepositoryError "blob-damaged" when it is not authentic, does not decompress to the expected length, or has
   *   another hash than its id.
   */
  open(blob: OpenedBlob, sealed: Uint8Array): Buffer {
    const plaintext = this.#openAndDecompress(blob, sealed);
    const actual = idOf(plaintext);
    if (actual === blob.id) return plaintext;
    throw damaged(blob, `its content has the hash ${actual}`);
  }

  #openAndDecompress(blob: OpenedBlob, sealed: Uint8Array): Buffer {
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

function damaged({ type, id }: OpenedBlob, reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError("blob-damaged", `the ${type} blob ${id} is damaged: ${reason}`, {
    details: { blob: id, type },
    cause,
  });
}
