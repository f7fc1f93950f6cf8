// Reads a zip archive the other way than it was written: from the directory at its end (PKWARE's APPNOTE 6.3).
import { crc32, inflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: Buffer;
  /** st_mode. */
  readonly mode: number;
  /** Seconds since the epoch. */
  readonly mtime: number | undefined;
  /** Compared with the entry's checksum. */
  readonly content: Buffer;
  /** As the directory says, in all bits that it has. */
  readonly sizeBytes: bigint;
  readonly neededVersion: number;
}

/** Every entry in the order of the directory. @throws Error when the parts of the archive do not agree */
export function readZip(zip: Buffer): ZipEntry[] {
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  let count = BigInt(zip.readUInt16LE(end + 10));
  let at = zip.readUInt32LE(end + 16);
  if (count === 0xffffn) {
    const locator = end - 20;
    if (zip.readUInt32LE(locator) !== 0x0706_4b50) throw new Error("no locator of the 64-bit end");
    const wide = Number(zip.readBigUInt64LE(locator + 8));
    if (zip.readUInt32LE(wide) !== 0x0606_4b50) throw new Error("no 64-bit end");
    count = zip.readBigUInt64LE(wide + 32);
    at = Number(zip.readBigUInt64LE(wide + 48));
  }
  const entries: ZipEntry[] = [];
  for (; count > 0n; count--) {
    const [nameBytes, extraBytes] = [zip.readUInt16LE(at + 28), zip.readUInt16LE(at + 30)];
    entries.push(entryAt(zip, at, extraOf(zip.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes))));
    at += 46 + nameBytes + extraBytes + zip.readUInt16LE(at + 32);
  }
  return entries;
}

function entryAt(zip: Buffer, at: number, extra: ReadonlyMap<number, Buffer>): ZipEntry {
  if (zip.readUInt32LE(at) !== 0x0201_4b50) throw new Error(`no entry of the directory at ${at}`);
  const name = zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28));
  const [method, crc] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 16)];
  const wide = extra.get(1);
  const [compressed, size] = wide
    ? [wide.readBigUInt64LE(8), wide.readBigUInt64LE(0)]
    : [BigInt(zip.readUInt32LE(at + 20)), BigInt(zip.readUInt32LE(at + 24))];
  const local = zip.readUInt32LE(at + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const stored = zip.subarray(start, start + Number(compressed));
  const content = method === 8 ? inflateRawSync(stored) : stored;
  if (crc32(content) !== crc) throw new Error(`${name}: the checksum is another one`);
  if (!zip.subarray(local + 30, local + 30 + name.length).equals(name)) throw new Error(`${name}: another local name`);
  const mtime = extra.get(0x5455)?.readInt32LE(1);
  const mode = zip.readUInt16LE(at + 40);
  return { name, mode, mtime, content, sizeBytes: size, neededVersion: zip.readUInt16LE(at + 6) };
}

function extraOf(bytes: Buffer): Map<number, Buffer> {
  const extra = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at + 2);
    extra.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return extra;
}
