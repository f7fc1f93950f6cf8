// Snapshots, indexes and locks are files of their own. In version 2 their JSON is compressed behind a marker byte; readers
// accept it uncompressed as well (restic design, *Unpacked Data Format*). Sealing happens elsewhere.
import { RepositoryError } from "../errors.ts";

const compressedMarker = 2;

/** What gets sealed: the JSON itself in version 1, the marker and a zstd frame in version 2. */
export function wrapUnpacked(version: 1 | 2, json: Buffer, compress: (plain: Buffer) => Buffer): Buffer {
  if (version === 1) return json;
  return Buffer.concat([Buffer.of(compressedMarker), compress(json)]);
}

/**
 * A process that opened the repository as version 1 may meet compressed files: another one has migrated it meanwhile.
 * @throws RepositoryError "file-damaged" for an encoding that is not known.
 */
export function unwrapUnpacked(version: 1 | 2, plaintext: Buffer, decompress: (frame: Buffer) => Buffer): Buffer {
  if (plaintext.length === 0) return plaintext;
  const first = plaintext[0];
  if (first === compressedMarker) return decompress(plaintext.subarray(1));
  if (version === 1 || first === 0x7b || first === 0x5b) return plaintext;
  throw new RepositoryError("file-damaged", `the file cannot be decoded: its encoding ${first} is not known`);
}

/** Whether `wrapUnpacked` made these bytes of this JSON. @param unpacksTo says it of a frame. */
export function wrapsUnpacked(
  plaintext: Buffer,
  json: Buffer,
  unpacksTo: (frame: Buffer, json: Buffer) => boolean,
): boolean {
  if (plaintext[0] === compressedMarker) return unpacksTo(plaintext.subarray(1), json);
  return plaintext.equals(json);
}
