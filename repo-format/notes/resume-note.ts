// What a backup leaves while it reads a large file: the chunks so far, range by range, so that a run after a killed one goes on
// where the file was cut last. Written at once, read with doubt: what is torn or damaged ends the note there.
import { hash } from "node:crypto";
import { closeSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { type BlobId, idBytes, idFromBytes, idToBytes } from "../format/id.ts";
import { temporaryName } from "./restored-files.ts";

/** A stretch of the file that ends at a cut. */
export interface NotedRange {
  readonly content: readonly BlobId[];
  readonly endOffset: number;
  /** The last chunk was one of zeros: where the next cut lies depends on it. */
  readonly afterZeroChunk: boolean;
}

const magic: Buffer = Buffer.from("stowage resume 1\n");
const checksumBytes = 8;
/** Checksum, end (8 bytes), flag, number of ids (4 bytes). */
const recordHeaderBytes: number = checksumBytes + 13;
/** A file of 16 TiB in the smallest chunks. */
const maxNoteBytes: number = 1024 ** 3;

export class ResumeNote {
  readonly #fd: number;
  /** The checksum of each record covers that of the one before: a record counts in its place only. */
  #checksum: Buffer;

  /**
   * Begins a note with what is known already; takes the place of an older one.
   * @param key identity of the file. @throws Node's error
   */
  constructor(path: string, key: Buffer, known: readonly NotedRange[]) {
    const temporary = temporaryName(`${path}-${process.pid}`);
    this.#fd = openSync(temporary, "w", 0o600);
    this.#checksum = key;
    try {
      writeSync(this.#fd, magic);
      for (const range of known) this.add(range);
      renameSync(temporary, path);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** @throws Node's error */
  add({ content, endOffset, afterZeroChunk }: NotedRange): void {
    const record = Buffer.alloc(recordHeaderBytes + content.length * idBytes);
    record.writeBigUInt64LE(BigInt(endOffset), checksumBytes);
    record.writeUInt8(afterZeroChunk ? 1 : 0, checksumBytes + 8);
    record.writeUInt32LE(content.length, checksumBytes + 9);
    for (const [index, id] of content.entries()) record.set(idToBytes(id), recordHeaderBytes + index * idBytes);
    this.#checksum = checksumOf(this.#checksum, record);
    record.set(this.#checksum);
    writeSync(this.#fd, record);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The ranges that stand in a note, as far as it is whole. @throws Node's error when it cannot be read */
export function readResumeNote(path: string, key: Buffer): NotedRange[] {
  const bytes = readFileSync(path);
  const ranges: NotedRange[] = [];
  if (bytes.length > maxNoteBytes || !bytes.subarray(0, magic.length).equals(magic)) return ranges;
  let checksum = key;
  for (let at = magic.length; at + recordHeaderBytes <= bytes.length; ) {
    const count = bytes.readUInt32LE(at + checksumBytes + 9);
    const record = bytes.subarray(at, at + recordHeaderBytes + count * idBytes);
    checksum = checksumOf(checksum, record);
    if (record.length < recordHeaderBytes + count * idBytes || !checksum.equals(record.subarray(0, checksumBytes)))
      break;
    ranges.push({
      content: Array.from({ length: count }, (_, index) =>
        idFromBytes<BlobId>(record, recordHeaderBytes + index * idBytes),
      ),
      endOffset: Number(record.readBigUInt64LE(checksumBytes)),
      afterZeroChunk: record.readUInt8(checksumBytes + 8) === 1,
    });
    at += record.length;
  }
  return ranges;
}

function checksumOf(previous: Buffer, record: Buffer): Buffer {
  return hash("sha256", Buffer.concat([previous, record.subarray(checksumBytes)]), "buffer").subarray(0, checksumBytes);
}
