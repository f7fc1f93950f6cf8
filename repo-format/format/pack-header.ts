// The list of blobs at the end of a pack, before encryption: one entry a blob, in the order of the blobs
// (restic design, *Pack Format*). Offsets are not stored; they are the running sum of the lengths.
import { RepositoryError } from "../errors.ts";
import { type BlobType, maxBlobLength, type PackedBlob, sealOverheadBytes } from "./blob.ts";
import { idBytes, idFromBytes } from "./id.ts";
import type { PackedBlobs } from "./packed-blobs.ts";

/** type (1) ‖ sealed length (4) ‖ id (32) */
export const plainEntryBytes: number = 1 + 4 + idBytes;
/** type (1) ‖ sealed length (4) ‖ uncompressed length (4) ‖ id (32) */
export const compressedEntryBytes: number = plainEntryBytes + 4;
/** The last bytes of a pack: length of the sealed header, little-endian. */
export const headerLengthBytes = 4;
/** restic reads no longer headers (sealed length). */
export const maxHeaderBytes: number = 16 * 1024 * 1024;
/** So many entries fit in the longest header; a pack is full when it holds them. */
export const maxHeaderEntries: number = Math.floor(
  (maxHeaderBytes - sealOverheadBytes - headerLengthBytes) / compressedEntryBytes,
);
/** One request of so many bytes from the end finds the whole header of packs of up to 15 blobs. */
export const headerTailBytes: number = 15 * compressedEntryBytes + sealOverheadBytes + headerLengthBytes;
/** Shorter files cannot be packs: one plain entry, sealed, and the length. */
export const minPackBytes: number = plainEntryBytes + sealOverheadBytes + headerLengthBytes;

const entryTypes: readonly { readonly type: BlobType; readonly isCompressed: boolean }[] = [
  { type: "data", isCompressed: false },
  { type: "tree", isCompressed: false },
  { type: "data", isCompressed: true },
  { type: "tree", isCompressed: true },
];

/** Bytes of the header's plaintext. */
export function packHeaderLength(blobs: Iterable<Pick<PackedBlob, "uncompressedLength">>): number {
  let length = 0;
  for (const blob of blobs) length += blob.uncompressedLength === 0 ? plainEntryBytes : compressedEntryBytes;
  return length;
}

/** The header's plaintext. The blobs' offsets are not stored: they must be the running sum of the lengths. */
export function encodePackHeader(blobs: PackedBlobs): Buffer {
  const header = Buffer.allocUnsafe(packHeaderLength(blobs));
  let at = 0;
  let expectedOffset = 0;
  for (const blob of blobs) {
    if (blob.offset !== expectedOffset || blob.length > maxBlobLength || blob.uncompressedLength > maxBlobLength) {
      throw new Error(`bug: blob ${blob.id} at ${blob.offset}+${blob.length} does not follow at ${expectedOffset}`);
    }
    expectedOffset += blob.length;
    const isCompressed = blob.uncompressedLength !== 0;
    header[at] = (blob.type === "data" ? 0 : 1) + (isCompressed ? 2 : 0);
    header.writeUInt32LE(blob.length, at + 1);
    if (isCompressed) header.writeUInt32LE(blob.uncompressedLength, at + 5);
    const idAt = at + (isCompressed ? 9 : 5);
    header.write(blob.id, idAt, idBytes, "hex");
    at = idAt + idBytes;
  }
  return header;
}

/**
 * Decodes the header's plaintext.
 * @returns the blobs in the order of the pack, with offsets summed up from 0.
 * @throws RepositoryError "pack-damaged" for an unknown type, a cut-off entry or a length that cannot be.
 */
export function decodePackHeader(bytes: Uint8Array): PackedBlob[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blobs: PackedBlob[] = [];
  let at = 0;
  let offset = 0;
  while (at < bytes.length) {
    const kind = entryTypes[view.getUint8(at)];
    if (kind === undefined) throw damaged(`entry ${blobs.length} has the unknown type ${view.getUint8(at)}`);
    const entryBytes = kind.isCompressed ? compressedEntryBytes : plainEntryBytes;
    if (bytes.length - at < entryBytes)
      throw damaged(`entry ${blobs.length} is cut off after ${bytes.length - at} bytes`);
    const length = view.getUint32(at + 1, true);
    if (length < sealOverheadBytes) throw damaged(`entry ${blobs.length} has ${length} bytes, fewer than sealing adds`);
    const uncompressedLength = kind.isCompressed ? view.getUint32(at + 5, true) : 0;
    if (kind.isCompressed && uncompressedLength === 0) throw damaged(`entry ${blobs.length} is compressed and empty`);
    const id = idFromBytes<PackedBlob["id"]>(bytes, at + entryBytes - idBytes);
    blobs.push({ type: kind.type, id, offset, length, uncompressedLength });
    offset += length;
    at += entryBytes;
  }
  return blobs;
}

function damaged(reason: string): RepositoryError {
  return new RepositoryError("pack-damaged", `the pack's header cannot be read: ${reason}`);
}
