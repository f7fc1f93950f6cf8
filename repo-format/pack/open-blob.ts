// The way of a blob back from its sealed form: open, decompress, and compare with its id. Whatever is returned is right.
import { decompress } from "../compression/zstd.ts";
import type { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import { idOf } from "../format/id.ts";

/** What opening a blob needs to know of it. */
export type SealedBlobFacts = Pick<PackedBlob, "type" | "id" | "uncompressedLength">;

/** A blob out of its sealed form. */
export interface OpenedBlob {
  /** Compared with the blob's id. */
  readonly plaintext: Buffer;
  /** As it was sealed: compressed, or the plaintext itself. */
  readonly payload: Buffer;
}

/**
 * @param sealed exactly the blob's bytes in the pack.
 * @throws RepositoryError "blob-damaged" when it is not authentic, does not decompress to the expected length, or has
 *   another hash than its id.
 */
export function openBlob(sealer: Pick<Sealer, "open">, blob: SealedBlobFacts, sealed: Uint8Array): Buffer {
  return openBlobWithPayload(sealer, blob, sealed).plaintext;
}

/** As `openBlob`; for those who seal the payload again with another key, and need not compress it anew. */
export function openBlobWithPayload(
  sealer: Pick<Sealer, "open">,
  blob: SealedBlobFacts,
  sealed: Uint8Array,
): OpenedBlob {
  const opened = openAndDecompress(sealer, blob, sealed);
  const actual = idOf(opened.plaintext);
  if (actual === blob.id) return opened;
  throw damaged(blob, `its content has the hash ${actual}`);
}

function openAndDecompress(sealer: Pick<Sealer, "open">, blob: SealedBlobFacts, sealed: Uint8Array): OpenedBlob {
  try {
    const payload = sealer.open(sealed);
    const plaintext = blob.uncompressedLength === 0 ? payload : decompress(payload, blob.uncompressedLength);
    return { plaintext, payload };
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    throw damaged(blob, error.message, error);
  }
}

function damaged(blob: SealedBlobFacts, reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError("blob-damaged", `the ${blob.type} blob ${blob.id} is damaged: ${reason}`, {
    details: { blob: blob.id, type: blob.type },
    cause,
  });
}
