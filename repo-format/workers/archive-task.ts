// In the worker: the two ways in which file contents become blobs. Small files come many at a time, by directory
// descriptor and name, and are read whole; a big one comes as ranges of an open file, each from the cut where the one
// before ended, so that several threads seal one file and its cuts are still those of one pass from its beginning.
import { createFastCdcChunker } from "../chunker/fastcdc-chunker.ts";
import { RepositoryError } from "../errors.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { statOpened } from "../file-tree/opened-file.ts";
import { closeAfterReading, type OpenedFile, openForReading, readFully } from "../file-tree/read-file.ts";
import { idBytes } from "../format/id.ts";
import { freeMemory } from "../native/free-memory.ts";
import type { BlobSealer } from "./blob-sealer.ts";
import { ChunkSealer } from "./chunk-sealer.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import {
  type FileBatch,
  type FileBatchResult,
  type FileFailure,
  type FileRange,
  fileStatus,
  identityColumns,
  type RangeCut,
  type RangeResult,
  type RunTicket,
  type StreamWindow,
  throwIfRunCancelled,
  type UnlikeFile,
} from "./messages.ts";
import type { SealedSlab } from "./sealed-slab.ts";
import { isUnchanged, openedFileStat, sourceFailureOf } from "./source-file.ts";

/** How often a small file that changes while it is read is read again before it is stored as it is. */
const readsAgain = 2;

type Status = (typeof fileStatus)[keyof typeof fileStatus];

interface ReadFile {
  readonly status: Status;
  readonly sizeBytes: number;
  readonly before: FileStat;
}

export class ArchiveTask {
  readonly #chunks: ChunkSealer;
  readonly #monotonicClock: () => number;
  #readingMs = 0;
  /** Memory for one window; used by one file or range at a time. */
  #window: Buffer = Buffer.alloc(0);

  /** @param monotonicClock milliseconds that never go back */
  constructor(chunks: ChunkSealer, monotonicClock: () => number) {
    this.#chunks = chunks;
    this.#monotonicClock = monotonicClock;
  }

  /** Milliseconds that reading took since the last call. */
  takeReadingMs(): number {
    const readingMs = this.#readingMs;
    this.#readingMs = 0;
    return readingMs;
  }

  /** Per-file errors become rows of the result; what is thrown concerns the whole run. */
  files(run: RunTicket, batch: FileBatch, slab: SealedSlab): FileBatchResult {
    const count = batch.sizes.length;
    const statuses = new Uint8Array(count);
    const sizes = new Float64Array(count);
    const blobCounts = new Uint32Array(count);
    const content: Buffer[] = [];
    const unlike: UnlikeFile[] = [];
    const failures: FileFailure[] = [];
    for (let index = 0; index < count; index++) {
      throwIfRunCancelled(run);
      // Two looks at the clock cost a thousandth of what a small file does.
      const startMs = this.#monotonicClock();
      const read = this.#readOrFail(batch, index, failures);
      this.#readingMs += this.#monotonicClock() - startMs;
      statuses[index] = read.status;
      if (!("before" in read)) continue;
      sizes[index] = read.sizeBytes;
      if (!isAsListed(batch, index, read.before)) unlike.push({ index, opened: openedFileStat(read.before) });
      if (read.status === fileStatus.grown) continue;
      const ids = this.#sealWindow(run, read.sizeBytes, slab);
      blobCounts[index] = ids.length / idBytes;
      content.push(ids);
    }
    slab.flush();
    return { statuses, sizes, blobCounts, content: packed(content), unlike, failures };
  }

  /** @param onCut called as soon as the range's end is known, before the chunks are hashed. */
  range(run: RunTicket, range: FileRange, slab: SealedSlab, onCut: (cut: RangeCut) => void): RangeResult {
    const window = this.#windowOf(range.windowBytes);
    const startMs = this.#monotonicClock();
    const bytes = readRange(range, window);
    this.#readingMs += this.#monotonicClock() - startMs;
    const isLast = range.isLast || bytes < range.windowBytes;
    const cuts = this.#chunks.cut(window.subarray(0, bytes), isLast, range.afterZeroChunk);
    onCut({ nextOffset: range.offset + cuts.end, afterZeroChunk: cuts.afterZeroChunk, atEnd: isLast });
    const content = this.#chunks.seal(run, window, cuts, slab);
    slab.flush();
    return { content: packed([content]) };
  }

  /** Hashes and seals what was cut already; the window's memory is given back. */
  window(run: RunTicket, { bytes, cuts }: StreamWindow, slab: SealedSlab): RangeResult {
    const content = this.#chunks.seal(run, bytes, cuts, slab);
    slab.flush();
    freeMemory(bytes);
    return { content: packed([content]) };
  }

  #readOrFail(batch: FileBatch, index: number, failures: FileFailure[]): ReadFile | { status: Status } {
    try {
      return this.#readFile(batch, index);
    } catch (error) {
      const failure = sourceFailureOf(error);
      if (failure === undefined) throw error;
      failures.push({ index, message: failure.message });
      return { status: failure.kind === "vanished" ? fileStatus.vanished : fileStatus.unreadable };
    }
  }

  #readFile(batch: FileBatch, index: number): ReadFile {
    const name = batch.names.subarray(batch.nameEnds[index - 1] ?? 0, batch.nameEnds[index]);
    const file = openForReading(DirectoryHandle.ofDescriptor(batch.directories[index] ?? -1), name);
    try {
      return this.#readOpened(file, batch.limits[index] ?? 0);
    } finally {
      closeAfterReading(file.fd);
    }
  }

  /** Reads until two fstats say that nothing happened in between. */
  #readOpened(file: OpenedFile, limitBytes: number): ReadFile {
    const window = this.#windowOf(limitBytes + 1);
    let before = file.stat;
    for (let attempt = 0; ; attempt++) {
      if (before.size > limitBytes) return { status: fileStatus.grown, sizeBytes: Number(before.size), before };
      const sizeBytes = readFully(file.fd, window, 0, limitBytes + 1);
      if (sizeBytes > limitBytes) return { status: fileStatus.grown, sizeBytes, before };
      const after = statOpened(file.fd);
      if (isUnchanged(before, after)) return { status: fileStatus.read, sizeBytes, before };
      if (attempt === readsAgain) return { status: fileStatus.changed, sizeBytes, before };
      before = after;
    }
  }

  #sealWindow(run: RunTicket, bytes: number, slab: SealedSlab): Buffer {
    const window = this.#window.subarray(0, bytes);
    return this.#chunks.seal(run, window, this.#chunks.cut(window, true, false), slab);
  }

  #windowOf(bytes: number): Buffer {
    if (this.#window.length < bytes) this.#window = this.#chunks.window(bytes);
    return this.#window;
  }
}

/** With the chunker of all repositories and the clock of the process. */
export function createArchiveTask(sealer: BlobSealer, known: KnownBlobs): ArchiveTask {
  return new ArchiveTask(new ChunkSealer(createFastCdcChunker(), sealer, known), () => performance.now());
}

/** @throws RepositoryError "source-unreadable": the file's own failure, not the thread's. */
function readRange(range: FileRange, window: Buffer): number {
  try {
    return readFully(range.fd, window, range.offset, range.windowBytes);
  } catch (error) {
    const failure = sourceFailureOf(error);
    if (failure === undefined) throw error;
    const message = `${failure.message} at byte ${range.offset}`;
    throw new RepositoryError("source-unreadable", message, { details: { offset: range.offset }, cause: error });
  }
}

function isAsListed(batch: FileBatch, index: number, stat: FileStat): boolean {
  const at = index * identityColumns;
  const [inode, mtimeNs, ctimeNs] = batch.identities.subarray(at, at + identityColumns);
  const isSameFile = BigInt.asIntN(64, stat.ino) === inode && BigInt(batch.sizes[index] ?? 0) === stat.size;
  return isSameFile && stat.mtimeNs === mtimeNs && stat.ctimeNs === ctimeNs;
}

/** One array with a buffer of its own, so that it can be transferred. */
function packed(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
