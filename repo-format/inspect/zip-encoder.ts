// zip (PKWARE's APPNOTE 6.3): each entry with a header, its content, and for files the sizes after it, because they are known
// only then; at the end a directory of all entries, which is kept in memory until then (about 70 bytes and the name of each).

import { isUtf8 } from "node:buffer";
import { crc32, createDeflateRaw } from "node:zlib";
import { parseTime, type TimeText } from "../format/time.ts";
import type { ArchiveEncoder, ArchiveEntry } from "./archive-encoder.ts";

const signatures = {
  local: 0x0403_4b50,
  descriptor: 0x0807_4b50,
  central: 0x0201_4b50,
  end64: 0x0606_4b50,
  locator64: 0x0706_4b50,
  end: 0x0605_4b50,
} as const;

const methods = { stored: 0, deflated: 8 } as const;
const flags = { descriptor: 0x8, utf8: 0x800 } as const;
/** Version that a reader needs: with folders and deflate, or with 64-bit sizes. */
const versions = { plain: 20, zip64: 45 } as const;
/** Modes are those of Unix. */
const madeByUnix: number = 3 << 8;
const dosAttributes = { readOnly: 0x01, directory: 0x10 } as const;
const extraIds = { zip64: 0x0001, time: 0x5455 } as const;

const uint16Max = 0xffff;
const uint32Max = 0xffff_ffff;
/** Compressed bytes that are handed out at a time. */
const deflateBufferBytes: number = 64 * 1024;

/** Deflating never makes a file larger by so much: from here on 64-bit sizes are announced. */
const largeFileBytes = 0xf000_0000;

interface OpenEntry {
  readonly name: Buffer;
  readonly entry: ArchiveEntry;
  readonly offset: number;
  readonly flags: number;
  readonly isLarge: boolean;
  readonly deflater: Deflater | undefined;
  crc: number;
  sizeBytes: number;
  compressedBytes: number;
}

export class ZipEncoder implements ArchiveEncoder {
  readonly #directory: Buffer[] = [];
  #offset = 0;
  #open: OpenEntry | undefined;

  begin(entry: ArchiveEntry): Buffer {
    const name = entry.type === "dir" ? Buffer.concat([entry.path, Buffer.from("/")]) : entry.path;
    const isFile = entry.type === "file";
    const needsUtf8 = name.some((byte) => byte >= 0x80) && isUtf8(name);
    const open: OpenEntry = {
      name,
      entry,
      offset: this.#offset,
      flags: (isFile ? flags.descriptor : 0) | (needsUtf8 ? flags.utf8 : 0),
      isLarge: entry.sizeBytes >= largeFileBytes,
      deflater: isFile ? new Deflater() : undefined,
      crc: crc32(entry.linkTarget),
      sizeBytes: entry.linkTarget.length,
      compressedBytes: entry.linkTarget.length,
    };
    this.#open = open;
    // The content of a symlink is its target.
    return this.#count(Buffer.concat([localHeader(open), entry.linkTarget]));
  }

  async data(bytes: Buffer): Promise<Buffer> {
    const open = this.#current;
    open.crc = crc32(bytes, open.crc);
    open.sizeBytes += bytes.length;
    return this.#countCompressed(open, await open.deflater?.push(bytes));
  }

  async end(): Promise<Buffer> {
    const open = this.#current;
    const rest = this.#countCompressed(open, await open.deflater?.end());
    const descriptor = open.deflater === undefined ? Buffer.alloc(0) : this.#count(dataDescriptor(open));
    this.#directory.push(centralHeader(open));
    this.#open = undefined;
    return Buffer.concat([rest, descriptor]);
  }

  finish(): Buffer {
    const directory = Buffer.concat(this.#directory);
    const facts = { count: this.#directory.length, sizeBytes: directory.length, offset: this.#offset };
    return Buffer.concat([directory, endOfDirectory(facts)]);
  }

  get #current(): OpenEntry {
    if (this.#open === undefined) throw new Error("bug: no entry of the archive is open");
    return this.#open;
  }

  #countCompressed(open: OpenEntry, bytes: Buffer = Buffer.alloc(0)): Buffer {
    open.compressedBytes += bytes.length;
    return this.#count(bytes);
  }

  #count(bytes: Buffer): Buffer {
    this.#offset += bytes.length;
    return bytes;
  }
}

/** Compresses a stream; what is ready comes with each piece. */
class Deflater {
  readonly #stream = createDeflateRaw({ chunkSize: deflateBufferBytes });
  #ready: Buffer[] = [];

  constructor() {
    this.#stream.on("data", (bytes: Buffer) => this.#ready.push(bytes));
  }

  async push(bytes: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    return this.#take();
  }

  async end(): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once("end", resolve).once("error", reject).end();
    });
    return this.#take();
  }

  #take(): Buffer {
    const ready = Buffer.concat(this.#ready);
    this.#ready = [];
    return ready;
  }
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

function localHeader(open: OpenEntry): Buffer {
  const { name, entry, deflater, isLarge } = open;
  const sizes = deflater === undefined ? [open.crc, open.sizeBytes, open.sizeBytes] : [0, 0, 0];
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
function commonFields({ isLarge, flags, deflater, entry }: OpenEntry): number[] {
  const method = deflater === undefined ? methods.stored : methods.deflated;
  return [isLarge ? versions.zip64 : versions.plain, flags, method, ...dosTime(entry.mtime)];
}

function dataDescriptor({ isLarge, crc, compressedBytes, sizeBytes }: OpenEntry): Buffer {
  const fields = new Fields().uint32(signatures.descriptor, crc);
  return (isLarge ? fields.uint64(compressedBytes, sizeBytes) : fields.uint32(compressedBytes, sizeBytes)).finish();
}

function centralHeader(open: OpenEntry): Buffer {
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

function endOfDirectory({ count, sizeBytes, offset }: DirectoryFacts): Buffer {
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
