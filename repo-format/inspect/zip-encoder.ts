// zip: each entry with a header, its content, and for files the sizes after it, because they are known only then; at the end a
// directory of all entries, which is kept in memory until then (about 70 bytes and the name of each).

import { isUtf8 } from "node:buffer";
import { crc32, createDeflateRaw } from "node:zlib";
import type { ArchiveEncoder, ArchiveEntry } from "./archive-encoder.ts";
import { centralHeader, dataDescriptor, endOfDirectory, localHeader, type ZipEntryFacts } from "./zip-records.ts";

const flags = { descriptor: 0x8, utf8: 0x800 } as const;

/** Compressed bytes that are handed out at a time. */
const deflateBufferBytes: number = 64 * 1024;

/** Deflating never makes a file larger by so much: from here on 64-bit sizes are announced. */
const largeFileBytes = 0xf000_0000;

interface OpenEntry extends ZipEntryFacts {
  readonly deflater: Deflater | undefined;
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
      isDeflated: isFile,
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
