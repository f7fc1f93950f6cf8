// Reads the list of blobs at the end of a stored pack (restic design, *Pack Format*): what the index says of a pack can be
// told again from the pack alone.
import type { Sealer } from "../crypto/seal.ts";
import { RepositoryError } from "../errors.ts";
import { type PackedBlob, sealOverheadBytes } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import {
  decodePackHeader,
  headerLengthBytes,
  headerTailBytes,
  maxHeaderBytes,
  minPackBytes,
} from "../format/pack-header.ts";
import { keyOf } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";

export interface PackHeaderSource {
  readonly storage: Pick<ObjectStorage, "getRange">;
  readonly sealer: Pick<Sealer, "open">;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a pack's header with one request, or two when it holds more than 15 blobs. Whether blobs and header make up the
 * whole file is not looked at: of a file that grew or lost bytes in the middle, the blobs before that place are still good.
 * @param sizeBytes of the whole pack file, as listed.
 * @throws RepositoryError "pack-missing", "pack-damaged"
 */
export async function readPackHeader(
  source: PackHeaderSource,
  packId: PackId,
  sizeBytes: number,
): Promise<PackedBlob[]> {
  if (sizeBytes < minPackBytes) throw damaged(packId, `it has only ${sizeBytes} bytes`);
  const firstRequest = await readTail(source, packId, Math.min(headerTailBytes, sizeBytes));
  const sealedLength = firstRequest.readUInt32LE(firstRequest.length - headerLengthBytes);
  const headerBytes = sealedLength + headerLengthBytes;
  if (sealedLength <= sealOverheadBytes || headerBytes > sizeBytes || headerBytes > maxHeaderBytes) {
    throw damaged(packId, `its header claims to have ${sealedLength} bytes, the file has ${sizeBytes}`);
  }
  const tail = headerBytes <= firstRequest.length ? firstRequest : await readTail(source, packId, headerBytes);
  return decodeHeader(source, packId, tail.subarray(tail.length - headerBytes, tail.length - headerLengthBytes));
}

async function readTail(source: PackHeaderSource, packId: PackId, length: number): Promise<Buffer> {
  try {
    const tail = await source.storage.getRange(keyOf("pack", packId), -length, length, { signal: source.signal });
    if (tail.length === length) return tail;
    throw damaged(packId, `it ends after ${tail.length} bytes, fewer than listed`);
  } catch (error) {
    if (!RepositoryError.is(error, "object-missing")) throw error;
    throw new RepositoryError("pack-missing", `pack ${packId} is not where it belongs: ${error.message}`, {
      details: { pack: packId },
      cause: error,
    });
  }
}

function decodeHeader(source: PackHeaderSource, packId: PackId, sealed: Uint8Array): PackedBlob[] {
  try {
    return decodePackHeader(source.sealer.open(sealed));
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    throw damaged(packId, error.message, error);
  }
}

function damaged(packId: PackId, reason: string, cause?: unknown): RepositoryError {
  return new RepositoryError("pack-damaged", `pack ${packId} is damaged: ${reason}`, {
    details: { pack: packId },
    cause,
  });
}
