// The records of a zip archive (PKWARE's APPNOTE 6.3): before each entry, after each file, and the directory at the end.

import { parseTime, type TimeText } from "../format/time.ts";
import type { ArchiveEntry } from "./archive-encoder.ts";

const signatures = {
  local: 0x0403_4b50,
  descriptor: 0x0807_4b50,
  central: 0x0201_4b50,
  end64: 0x0606_4b50,
  locator64: 0x0706_4b50,
  end: 0x0605_4b50,
} as const;

const methods = { stored: 0, deflated: 8 } as const;
/** Version that a reader needs: with folders and deflate, or with 64-bit sizes. */
const versions = { plain: 20, zip64: 45 } as const;
/** Modes are those of Unix. */
const madeByUnix: number = 3 << 8;
const dosAttributes = { readOnly: 0x01, directory: 0x10 } as const;
const extraIds = { zip64: 0x0001, time: 0x5455 } as const;

const uint16Max = 0xffff;
const uint32Max = 0xffff_ffff;
/** What the records say of an entry; the last three are final when its content was written. */
export interface ZipEntryFacts {
  /** With a slash at the end of a directory's. */
  readonly name: Buffer;
  readonly entry: ArchiveEntry;
  /** Of the entry in the archive. */
  readonly offset: number;
  readonly flags: number;
  readonly isDeflated: boolean;
  /** Sizes get 64 bits. */
  readonly isLarge: boolean;
  crc: number;
  sizeBytes: number;
  compressedBytes: number;
}

/** Numbers of 16, 32 and 64 bits in a row, little-endian. */
class Fields {
  readonly #parts: Buffer[] = [];

  uint16(...values: readonly number[]): this {
    return this.#add(values, 2, (bytes, value) => bytes.writeUInt16LE(value));
  }

  uint32(...values: readonly number[]): this {
    return this.#add(values, 4, (bytes, value) => bytes.writeUInt32LE(value));
  }

  uint64(...values: readonly number[]): this {
    return this.#add(values, 8, (bytes, value) => bytes.writeBigUInt64LE(BigInt(value)));
  }

  bytes(...parts: readonly Buffer[]): this {
    this.#parts.push(...parts);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(values: readonly number[], size: number, write: (bytes: Buffer, value: number) => void): this {
    for (const value of values) {
      const bytes = Buffer.alloc(size);
      write(bytes, value);
      this.#parts.push(bytes);
    }
    return this;
  }
}

export function localHeader(open: ZipEntryFacts): Buffer {
  const { name, entry, isDeflated, isLarge } = open;
  const sizes = isDeflated ? [0, 0, 0] : [open.crc, open.sizeBytes, open.sizeBytes];
  if (isLarge) sizes.splice(1, 2, uint32Max, uint32Max);
  // Its sizes are said later; that the field is here says that they will have 64 bits.
  const large = isLarge ? new Fields().uint16(extraIds.zip64, 16).uint64(0, 0).finish() : Buffer.alloc(0);
  const extra = Buffer.concat([large, timeField(entry.mtime)]);
  return new Fields()
    .uint32(signatures.local)
    .uint16(...commonFields(open))
    .uint32(...sizes)
    .uint16(name.length, extra.length)
    .bytes(name, extra)
    .finish();
}

/** Needed version, flags, method, time, date. */
function commonFields({ isLarge, flags, isDeflated, entry }: ZipEntryFacts): number[] {
  const method = isDeflated ? methods.deflated : methods.stored;
  return [isLarge ? versions.zip64 : versions.plain, flags, method, ...dosTime(entry.mtime)];
}

export function dataDescriptor({ isLarge, crc, compressedBytes, sizeBytes }: ZipEntryFacts): Buffer {
  const fields = new Fields().uint32(signatures.descriptor, crc);
  return (isLarge ? fields.uint64(compressedBytes, sizeBytes) : fields.uint32(compressedBytes, sizeBytes)).finish();
}

export function centralHeader(open: ZipEntryFacts): Buffer {
  const { name, entry, isLarge, crc, compressedBytes, sizeBytes, offset } = open;
  const isFar = offset >= uint32Max;
  const wide = [...(isLarge ? [sizeBytes, compressedBytes] : []), ...(isFar ? [offset] : [])];
  const zip64 = wide.length === 0 ? Buffer.alloc(0) : wideField(wide);
  const extra = Buffer.concat([timeField(entry.mtime), zip64]);
  return new Fields()
    .uint32(signatures.central)
    .uint16(madeByUnix | (wide.length === 0 ? versions.plain : versions.zip64), ...commonFields(open))
    .uint32(crc, isLarge ? uint32Max : compressedBytes, isLarge ? uint32Max : sizeBytes)
    .uint16(name.length, extra.length, 0, 0, 0)
    .uint32(attributesOf(entry), isFar ? uint32Max : offset)
    .bytes(name, extra)
    .finish();
}

function wideField(values: readonly number[]): Buffer {
  return new Fields()
    .uint16(extraIds.zip64, values.length * 8)
    .uint64(...values)
    .finish();
}

function attributesOf({ mode, type }: ArchiveEntry): number {
  const directory = type === "dir" ? dosAttributes.directory : 0;
  const readOnly = (mode & 0o200) === 0 ? dosAttributes.readOnly : 0;
  return mode * 0x1_0000 + directory + readOnly;
}

/** Seconds since the epoch, for readers that know more than the date of DOS; nothing where 32 bits do not hold it. */
function timeField(mtime: TimeText): Buffer {
  const seconds = secondsOf(mtime);
  if (seconds < -0x8000_0000 || seconds > 0x7fff_ffff) return Buffer.alloc(0);
  return Buffer.concat([
    new Fields().uint16(extraIds.time, 5).finish(),
    Buffer.of(1),
    new Fields().uint32(seconds >>> 0).finish(),
  ]);
}

/** Time and date of the clock on the wall, in steps of two seconds, from 1980 to 2107. */
function dosTime(mtime: TimeText): [time: number, date: number] {
  const { offsetMinutes } = parseTime(mtime);
  const wall = new Date((secondsOf(mtime) + offsetMinutes * 60) * 1000);
  const year = wall.getUTCFullYear();
  if (!(year >= 1980)) return [0, (1 << 5) | 1];
  if (year > 2107) return [0xbf7d, 0xff9f];
  const time = (wall.getUTCHours() << 11) | (wall.getUTCMinutes() << 5) | (wall.getUTCSeconds() >> 1);
  return [time, ((year - 1980) << 9) | ((wall.getUTCMonth() + 1) << 5) | wall.getUTCDate()];
}

function secondsOf(mtime: TimeText): number {
  const { unixNs } = parseTime(mtime);
  const seconds = unixNs / 1_000_000_000n;
  return Number(unixNs < 0n && unixNs % 1_000_000_000n !== 0n ? seconds - 1n : seconds);
}

interface DirectoryFacts {
  readonly count: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

export function endOfDirectory({ count, sizeBytes, offset }: DirectoryFacts): Buffer {
  const isWide = count >= uint16Max || sizeBytes >= uint32Max || offset >= uint32Max;
  const fields = new Fields();
  if (isWide) {
    // 44 bytes follow the length of this record; the locator says where it begins.
    fields.uint32(signatures.end64).uint64(44).uint16(versions.zip64, versions.zip64).uint32(0, 0);
    fields.uint64(count, count, sizeBytes, offset);
    fields
      .uint32(signatures.locator64, 0)
      .uint64(offset + sizeBytes)
      .uint32(1);
  }
  const entries = isWide ? uint16Max : count;
  return fields
    .uint32(signatures.end)
    .uint16(0, 0, entries, entries)
    .uint32(isWide ? uint32Max : sizeBytes, isWide ? uint32Max : offset)
    .uint16(0)
    .finish();
}
