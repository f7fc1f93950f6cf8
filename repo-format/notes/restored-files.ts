// What a restore leaves for the next backup: the set of the files as it left them, one fingerprint of stat and content for
// each, in a hash table on disk. Neither side holds it in memory: the restore writes 16 bytes a file, the backup reads 512
// for each file that it would read otherwise. A damaged page knows fewer files; it never knows a wrong one.
import { hash, randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { FileStat } from "../file-tree/file-stat.ts";
import type { BlobId, SnapshotId } from "../format/id.ts";
import { type FileIdentity, fileFingerprint, fingerprintBytes } from "./file-identity.ts";

const version = 1;
const headerBytes = 8192;
const bucketBytes = 512;
/** On average; a bucket has room for 32. By chance one file in 100,000 finds its bucket full, and will be read. */
const filesPerBucket = 16;
const maxFilesPerBucket: number = bucketBytes / fingerprintBytes;
const hashDigits = 64;

/**
 * The kernel's clock for files goes on in steps of up to 10 ms, on a server's disk too: who writes to a file so long after
 * its change time was looked at gives it another one.
 */
const clockStepMs = 20;
const secondNs = 1_000_000_000n;

/** About a restore. */
export interface RestoredHeader {
  /** Of the whole target: undefined when a folder of the snapshot was restored. */
  readonly snapshotId: SnapshotId | undefined;
  /** Absolute path, device and inode of the directory that was restored into. */
  readonly target: string;
  readonly device: string;
  readonly inode: string;
  /** The notes of another repository, or of before the machine was started, mean nothing. */
  readonly repositoryId: string;
  readonly bootId: string;
}

interface StoredHeader extends RestoredHeader {
  readonly version: number;
  /** Wall clock, ms since 1970. */
  readonly madeAtMs: number;
  readonly buckets: number;
  readonly salt: string;
}

export class RestoredFilesWriter {
  readonly #path: string;
  readonly #header: RestoredHeader;
  readonly #salt: Buffer = randomBytes(16);
  readonly #counts: Uint8Array;
  #fd: number | undefined;
  #count = 0;
  #lastMs = 0;

  /** @param capacity about as many files will come. @throws Node's error when the file cannot be made */
  constructor(path: string, header: RestoredHeader, capacity: number) {
    this.#path = path;
    this.#header = header;
    this.#counts = new Uint8Array(Math.ceil(capacity / filesPerBucket) + 1);
    this.#fd = openSync(temporaryName(path), "wx", 0o600);
  }

  /**
   * Takes a file that has its content and its metadata. One whose change time may be that of a later change is passed over.
   * @param stat looked up after everything else was done to the file.
   * @throws Node's error when the note cannot be written
   */
  add(stat: FileIdentity, content: readonly BlobId[]): void {
    // No digits below the second: the file system has none, and a second is too long to wait for.
    if (this.#fd === undefined || stat.ctimeNs % secondNs === 0n) return;
    const fingerprint = fileFingerprint(this.#salt, stat, content);
    const bucket = bucketOf(fingerprint, this.#counts.length);
    const place = this.#counts[bucket] as number;
    if (place === maxFilesPerBucket) return;
    this.#counts[bucket] = place + 1;
    writeSync(this.#fd, fingerprint, 0, fingerprintBytes, bucketAt(bucket) + place * fingerprintBytes);
    this.#count++;
    this.#lastMs = performance.now();
  }

  /** Makes the note valid; whoever changes a file after that gives it a change time that is not in it. @throws Node's error */
  async finish(nowMs: number): Promise<void> {
    const header: StoredHeader = {
      ...this.#header,
      version,
      madeAtMs: nowMs,
      buckets: this.#counts.length,
      salt: this.#salt.toString("hex"),
    };
    const page = encodeHeader(header);
    if (this.#fd === undefined || this.#count === 0 || page === undefined) return this.abandon();
    await waitUntil(this.#lastMs + clockStepMs);
    writeSync(this.#fd, page, 0, page.length, 0);
    closeSync(this.#fd);
    this.#fd = undefined;
    renameSync(temporaryName(this.#path), this.#path);
  }

  /** Leaves nothing behind. */
  abandon(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(temporaryName(this.#path), { force: true });
  }
}

/** An opened note; `close` it. */
export class RestoredFiles {
  readonly header: RestoredHeader & Pick<StoredHeader, "madeAtMs">;
  readonly path: string;
  readonly #fd: number;
  readonly #buckets: number;
  readonly #salt: Buffer;
  readonly #page: Buffer = Buffer.allocUnsafe(bucketBytes);

  private constructor(path: string, fd: number, header: StoredHeader) {
    this.path = path;
    this.header = header;
    this.#fd = fd;
    this.#buckets = header.buckets;
    this.#salt = Buffer.from(header.salt, "hex");
  }

  /** @returns undefined when it is none, or damaged. @throws Node's error when it cannot be read */
  static open(path: string): RestoredFiles | undefined {
    const fd = openSync(path, "r");
    try {
      const page = Buffer.alloc(headerBytes);
      const header = decodeHeader(page.subarray(0, readSync(fd, page, 0, headerBytes, 0)));
      if (header !== undefined) return new RestoredFiles(path, fd, header);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    return undefined;
  }

  /** True when the restore has left the file with this content, and nothing has changed it since. @throws Node's error */
  has(stat: FileStat, content: readonly BlobId[]): boolean {
    const fingerprint = fileFingerprint(this.#salt, stat, content);
    const bucket = bucketOf(fingerprint, this.#buckets);
    const bytes = readSync(this.#fd, this.#page, 0, bucketBytes, bucketAt(bucket));
    return this.#page.subarray(0, bytes).includes(fingerprint);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Of a file that is being written; what tidies up knows by it that nobody may be writing any more. */
export function temporaryName(path: string): string {
  return `${path}-part`;
}

function bucketOf(fingerprint: Buffer, buckets: number): number {
  return fingerprint.readUInt32LE(0) % buckets;
}

function bucketAt(bucket: number): number {
  return headerBytes + bucket * bucketBytes;
}

/** @returns undefined for a path that has no room. */
function encodeHeader(header: StoredHeader): Buffer | undefined {
  const json = JSON.stringify(header);
  const page = Buffer.alloc(headerBytes);
  const text = `${hash("sha256", json)}\n${json}\n`;
  if (Buffer.byteLength(text) > headerBytes) return undefined;
  page.write(text);
  return page;
}

function decodeHeader(page: Buffer): StoredHeader | undefined {
  const end = page.indexOf("\n", hashDigits + 1);
  if (page.length < headerBytes || end < 0) return undefined;
  const json = page.toString("utf8", hashDigits + 1, end);
  if (hash("sha256", json) !== page.toString("latin1", 0, hashDigits)) return undefined;
  const header = JSON.parse(json) as StoredHeader;
  return header.version === version ? header : undefined;
}

async function waitUntil(atMs: number): Promise<void> {
  for (let leftMs = atMs - performance.now(); leftMs > 0; leftMs = atMs - performance.now()) await sleep(leftMs);
}
