// Reads one pack whole and verifies everything in it: the hash of the file, each blob, the header, and that blobs and
// header fill the file without gaps. In windows of a few megabytes, so that packs of gigabytes need no more memory; the
// threads open the blobs of one window while the next one is read.

import { createHash } from "node:crypto";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { closeOpened } from "../file-tree/opened-file.ts";
import { type PackedBlob, sealOverheadBytes } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import { decodePackHeader, headerLengthBytes, packHeaderLength } from "../format/pack-header.ts";
import type { IndexedPack } from "../index/blob-index.ts";
import { ownsMemory } from "../native/aligned-memory.ts";
import { openBlob } from "../pack/open-blob.ts";
import type { Repository } from "../repository/repository.ts";
import type { BlobWorkerPool } from "../workers/blob-worker-pool.ts";
import type { VerifyResult, VerifyTask } from "../workers/restore-task.ts";
import type { FindingCode } from "./check-findings.ts";

/** Read at a time; a larger blob is read alone. */
const windowBytes: number = 8 * 1024 * 1024;

export interface PackProblem {
  readonly code: Extract<FindingCode, "pack-unreadable" | "pack-hash" | "pack-header" | "pack-gap" | "blob-damaged">;
  readonly message: string;
  readonly blobId?: BlobId | undefined;
}

/** Handing less than this to a thread takes longer than opening it here. */
const threadBytes: number = 256 * 1024;

/** Offsets travel to a thread in 32 bits. */
const maxOffset: number = 2 ** 32 - 1;

/** Not the pack's fault. */
const failuresOfTheRun: ReadonlySet<string> = new Set(["cancelled", "worker-failed"]);

export interface PackCheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** Threads that open the blobs; without them it is done here. */
  readonly pool?: Pick<BlobWorkerPool, "restoreBlobs"> | undefined;
}

/**
 * Verifies a pack against its id and its entries in the index.
 * @returns what is wrong with it, empty when it is sound. A pack with problems is read a second time, for the bytes may
 *   have been damaged on their way; then the second result counts.
 */
export async function checkPackData(
  repo: Repository,
  pack: IndexedPack,
  options: PackCheckOptions = {},
): Promise<PackProblem[]> {
  const first = await verifyOnce(repo, pack, options);
  return first.length === 0 ? first : await verifyOnce(repo, pack, options);
}

async function verifyOnce(repo: Repository, pack: IndexedPack, options: PackCheckOptions): Promise<PackProblem[]> {
  const check = new PackCheck(repo, pack, options);
  try {
    await check.run();
  } catch (error) {
    throwIfCancelled(options.signal);
    if (!RepositoryError.is(error) || failuresOfTheRun.has(error.code)) throw error;
    check.problems.push({ code: "pack-unreadable", message: error.message });
  }
  return check.problems;
}

/** A blob and where its bytes begin in the window. */
interface PlacedBlob {
  readonly blob: PackedBlob;
  readonly start: number;
}

class PackCheck {
  readonly problems: PackProblem[] = [];
  readonly #repo: Repository;
  readonly #pack: IndexedPack;
  readonly #options: PackCheckOptions;
  readonly #hash = createHash("sha256");
  /** The window whose blobs are being opened. */
  #opening: Promise<void> = Promise.resolve();

  constructor(repo: Repository, pack: IndexedPack, options: PackCheckOptions) {
    this.#repo = repo;
    this.#pack = pack;
    this.#options = options;
  }

  async run(): Promise<void> {
    if (await this.#checkInThread()) return;
    try {
      const end = await this.#checkBlobs();
      await this.#opening;
      await this.#checkHeader(end);
    } finally {
      await this.#opening.catch(() => {});
    }
    this.#checkHash(this.#hash.digest("hex"));
  }

  #checkHash(actual: string): void {
    if (actual !== this.#pack.id) this.#add("pack-hash", `its content has the hash ${actual}`);
  }

  /**
   * A pack that is a file here: its bytes never leave the thread that reads them.
   * @returns false when it was not done; whatever is wrong then shows on the usual way.
   */
  async #checkInThread(): Promise<boolean> {
    const { pool } = this.#options;
    const { blobs, id } = this.#pack;
    const tailStart = lengthBackToBack(blobs);
    if (pool === undefined || tailStart === undefined || tailStart < threadBytes || tailStart > maxOffset) return false;
    const tailBytes = packHeaderLength(blobs) + sealOverheadBytes + headerLengthBytes;
    const fd = this.#repo.openPackFile(id, tailStart + tailBytes);
    if (fd === undefined) return false;
    try {
      throwIfCancelled(this.#options.signal);
      const placed = blobs.map((blob) => ({ blob, start: blob.offset }));
      const result = await pool.restoreBlobs({ kind: "verify-pack", fd, tailBytes, ...columnsOf(placed) });
      if (result.kind !== "pack-verified") throw new Error(`bug: a thread answered "${result.kind}" to "verify-pack"`);
      this.#addFailures(placed, result.failures);
      this.#checkTail(Buffer.from(result.tail));
      this.#checkHash(result.hash);
      return true;
    } catch (error) {
      if (!RepositoryError.is(error, "pack-damaged") && !RepositoryError.is(error, "storage-unavailable")) throw error;
      return false;
    } finally {
      closeOpened(fd);
    }
  }

  /** @returns where the blobs end. */
  async #checkBlobs(): Promise<number> {
    let position = 0;
    for (const blobs of windowsOf(this.#pack.blobs)) {
      const last = blobs.at(-1) as PackedBlob;
      const end = Math.max(position, last.offset + last.length);
      const bytes = await this.#read(position, end - position);
      const placed: PlacedBlob[] = [];
      let expectedOffset = position;
      for (const blob of blobs) {
        if (blob.offset !== expectedOffset) this.#addGap(blob, expectedOffset);
        if (blob.offset >= position) placed.push({ blob, start: blob.offset - position });
        expectedOffset = Math.max(expectedOffset, blob.offset + blob.length);
      }
      // One window is opened while one is read: what is in memory stays bounded.
      await this.#opening;
      this.#opening = this.#open(bytes, placed);
      this.#opening.catch(() => {});
      position = end;
    }
    return position;
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const bytes = await this.#repo.readPackRange(this.#pack.id, offset, length, this.#options.signal);
    this.#hash.update(bytes);
    return bytes;
  }

  async #open(bytes: Buffer, placed: readonly PlacedBlob[]): Promise<void> {
    const { pool } = this.#options;
    if (pool === undefined || bytes.length < threadBytes) {
      for (const { blob, start } of placed) this.#openHere(blob, bytes.subarray(start, start + blob.length));
      return;
    }
    const task = { kind: "verify", sealed: bytes, ...columnsOf(placed) } as const;
    const result = await pool.restoreBlobs(task, ownsMemory(bytes) ? [bytes.buffer] : []);
    if (result.kind !== "verified") throw new Error(`bug: a thread answered "${result.kind}" to "verify"`);
    this.#addFailures(placed, result.failures);
  }

  #addFailures(placed: readonly PlacedBlob[], failures: VerifyResult["failures"]): void {
    for (const { blob, error } of failures) {
      this.#addDamaged(placed[blob]?.blob as PackedBlob, RepositoryError.fromJSON(error));
    }
  }

  #openHere(blob: PackedBlob, bytes: Buffer): void {
    try {
      openBlob(this.#repo.sealer, blob, bytes);
    } catch (error) {
      if (!RepositoryError.is(error, "blob-damaged")) throw error;
      this.#addDamaged(blob, error);
    }
  }

  #addDamaged(blob: PackedBlob, error: RepositoryError): void {
    this.problems.push({ code: "blob-damaged", message: this.#message(error.message), blobId: blob.id });
  }

  async #checkHeader(offset: number): Promise<void> {
    const sealedBytes = packHeaderLength(this.#pack.blobs) + sealOverheadBytes;
    this.#checkTail(await this.#read(offset, sealedBytes + headerLengthBytes));
  }

  #checkTail(bytes: Buffer): void {
    const { blobs } = this.#pack;
    const sealedBytes = bytes.length - headerLengthBytes;
    const claimed = bytes.readUInt32LE(sealedBytes);
    if (claimed !== sealedBytes) {
      this.#add("pack-header", `its header claims ${claimed} bytes where the index makes ${sealedBytes} of it`);
      return;
    }
    try {
      const listed = decodePackHeader(this.#repo.sealer.open(bytes.subarray(0, sealedBytes)));
      const different = listed.find((blob, place) => !isSame(blob, blobs[place]));
      if (different === undefined && listed.length === blobs.length) return;
      this.#add(
        "pack-header",
        `its header and the index do not agree about the blob ${different?.id ?? "after the last"}`,
      );
    } catch (error) {
      if (!RepositoryError.is(error)) throw error;
      this.#add("pack-header", error.message);
    }
  }

  #addGap(blob: PackedBlob, expectedOffset: number): void {
    const reason = `blob ${blob.id} begins at ${blob.offset}, the one before it ends at ${expectedOffset}`;
    this.problems.push({ code: "pack-gap", message: this.#message(reason), blobId: blob.id });
  }

  #add(code: PackProblem["code"], reason: string): void {
    this.problems.push({ code, message: this.#message(reason) });
  }

  #message(reason: string): string {
    return `pack ${this.#pack.id}: ${reason}`;
  }
}

function columnsOf(placed: readonly PlacedBlob[]): Pick<VerifyTask, "blobs" | "ids" | "types"> {
  return {
    blobs: Uint32Array.from(placed.flatMap(({ blob, start }) => [start, blob.length, blob.uncompressedLength])),
    ids: Buffer.from(placed.map(({ blob }) => blob.id).join(""), "hex"),
    types: placed.map(({ blob }) => blob.type),
  };
}

/** @returns where blobs end that begin at 0 and leave no gap; undefined for others. */
function lengthBackToBack(blobs: readonly PackedBlob[]): number | undefined {
  let end = 0;
  for (const { offset, length } of blobs) {
    if (offset !== end) return undefined;
    end += length;
  }
  return end;
}

function isSame(a: PackedBlob, b: PackedBlob | undefined): boolean {
  return (
    b !== undefined &&
    a.id === b.id &&
    a.type === b.type &&
    a.offset === b.offset &&
    a.length === b.length &&
    a.uncompressedLength === b.uncompressedLength
  );
}

/** Runs of blobs of about a window each; at least one blob. */
function* windowsOf(blobs: readonly PackedBlob[]): Generator<PackedBlob[]> {
  let run: PackedBlob[] = [];
  let bytes = 0;
  for (const blob of blobs) {
    if (run.length > 0 && bytes + blob.length > windowBytes) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(blob);
    bytes += blob.length;
  }
  if (run.length > 0) yield run;
}
