// The way of a blob back from its sealed form: open, decompress, and compare with its id. Whatever is returned is right.
import { decompress } from "../compression/zstd.ts";
import type { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import { idOf } from "../format/id.ts";

/** What opening a blob needs to know of it. */
export type SealedBlobFacts = Pick<PackedBlob, "type" | "id" | "uncompressedLength">;

/**
 * @param sealed exactly the blob's bytes in the pack.
 * @throws RepositoryError "blob-damaged" when it is not authentic, does not decompress to the expected length, or has
 *   another hash than its id.
 */
export function openBlob(sealer: Pick<Sealer, "open">, blob: SealedBlobFacts, sealed: Uint8Array): Buffer {
  const plaintext = openAndDecompress(sealer, blob, sealed);
  const actual = idOf(plaintext);
  if (actual === blob.id) return plaintext;
  throw damaged(blob, `its content has the hash ${actual}`);
}

function openAndDecompress(sealer: Pick<Sealer, "open">, blob: SealedBlobFacts, sealed: Uint8Array): Buffer {
  try {
    const opened = sealer.open(sealed);
    return blob.uncompressedLength === 0 ? opened : decompress(opened, blob.uncompressedLength);
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
