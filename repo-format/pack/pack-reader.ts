// Reads the list of blobs at the end of a stored pack (restic design, *Pack Format*).
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

export interface PackHeader {
  readonly blobs: readonly PackedBlob[];
  /** Bytes of the sealed header with its length: what the blobs leave of the file. */
  readonly headerBytes: number;
}

/**
 * Reads a pack's header with one request, or two when it holds more than 15 blobs.
 * @param sizeBytes of the whole pack file, as listed.
 * @throws RepositoryError "pack-missing", "pack-damaged" (also when the blobs and the header do not make up the file)
 */
export async function readPackHeader(source: PackHeaderSource, packId: PackId, sizeBytes: number): Promise<PackHeader> {
  if (sizeBytes < minPackBytes) throw damaged(packId, `it has only ${sizeBytes} bytes`);
  const firstRequest = await readTail(source, packId, Math.min(headerTailBytes, sizeBytes));
  const sealedLength = firstRequest.readUInt32LE(firstRequest.length - headerLengthBytes);
  const headerBytes = sealedLength + headerLengthBytes;
  if (sealedLength <= sealOverheadBytes || headerBytes > sizeBytes || headerBytes > maxHeaderBytes) {
    throw damaged(packId, `its header claims to have ${sealedLength} bytes, the file has ${sizeBytes}`);
  }
  const tail = headerBytes <= firstRequest.length ? firstRequest : await readTail(source, packId, headerBytes);
  const sealed = tail.subarray(tail.length - headerBytes, tail.length - headerLengthBytes);
  const blobs = decodeHeader(source, packId, sealed);
  const last = blobs.at(-1);
  const blobsEnd = last === undefined ? 0 : last.offset + last.length;
  if (blobsEnd + headerBytes !== sizeBytes) {
    throw damaged(packId, `${blobsEnd} bytes of blobs and ${headerBytes} of header do not make ${sizeBytes}`);
  }
  return { blobs, headerBytes };
}

async function readTail(source: PackHeaderSource, packId: PackId, length: number): Promise<Buffer> {
  try {
    const tail = await source.storage.getRange(keyOf("pack", packId), -length, length, { signal: source.signal });
    if (tail.length === length) return tail;
    throw damaged(packId, `it ends after ${tail.length} bytes, fewer than listed`);
  } catch (error) {
    if (!RepositoryError.is(error, "object-missing")) throw error;
    throw new RepositoryError("pack-missing", `pack ${packId} is not in the store: ${error.message}`, {
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
