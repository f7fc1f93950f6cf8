// Reads one big file in ranges. Each range begins at the cut where the one before ended, which is known as soon as that
// one was read and cut, long before it is sealed: so all threads work on the file, and its cuts are those of a single
// pass. Holes are not read: they become the chunks that the rule for zeros would make of them.
import type { FileStat } from "../file-tree/file-stat.ts";
import { statOpened } from "../file-tree/opened-file.ts";
import { closeAfterReading, openForReading } from "../file-tree/read-file.ts";
import { systemCalls } from "../file-tree/system-calls.ts";
import type { BlobId } from "../format/id.ts";
import type { BlobUploader } from "../repository/blob-uploader.ts";
import type { BlobRun } from "../workers/blob-run.ts";
import { idsOf, type RangeCut } from "../workers/messages.ts";
import { isUnchanged, openedFileStat, sourceFailureOf } from "../workers/source-file.ts";
import type { FileEntry, FileOutcome } from "./file-entry.ts";
import type { FileResume } from "./file-resume.ts";
import type { RunNotes } from "./run-notes.ts";

/** Bytes of one range: the largest chunk just fits. With 12 MiB it is no faster, but every thread takes 8 MiB more. */
const rangeBytes: number = 8 * 1024 * 1024;

/** Chunks of a run of zeros, see window-cutter.ts. */
const firstZeroBytes: number = 512 * 1024;
const nextZeroBytes: number = 8 * 1024 * 1024;

export interface BigFileContext {
  readonly run: BlobRun;
  readonly notes: Pick<RunNotes, "resume">;
  readonly zeroChunks: ZeroChunks;
  /** Called as bytes of the file are done. */
  readonly onReadBytes: (bytes: number) => void;
  /** Called for holes, and for what an earlier run has stored: nothing of it is read. */
  readonly onHoleBytes: (bytes: number) => void;
}

/** Reads and stores the file. Errors of the file become its outcome; errors of the run are thrown. */
export async function archiveBigFile(entry: FileEntry, context: BigFileContext): Promise<FileOutcome> {
  try {
    const { fd, stat } = openForReading(entry.directory.handle, entry.name);
    try {
      return await new BigFile(fd, stat, entry, context).archive();
    } finally {
      closeAfterReading(fd);
    }
  } catch (error) {
    const failure = sourceFailureOf(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

class BigFile {
  readonly #fd: number;
  readonly #stat: FileStat;
  readonly #entry: FileEntry;
  readonly #context: BigFileContext;
  /** It may grow while it is read; reading ends where it ended at first, so that it ends at all. */
  readonly #sizeBytes: number;
  readonly #isSparse: boolean;
  readonly #parts: Promise<readonly BlobId[]>[] = [];
  readonly #resume: FileResume | undefined;
  #offset = 0;
  #afterZeroChunk = false;

  constructor(fd: number, stat: FileStat, entry: FileEntry, context: BigFileContext) {
    this.#fd = fd;
    this.#stat = stat;
    this.#entry = entry;
    this.#context = context;
    this.#sizeBytes = Number(stat.size);
    this.#isSparse = stat.blocks * 512n < stat.size;
    this.#resume = context.notes.resume(stat);
  }

  async archive(): Promise<FileOutcome> {
    try {
      this.#skipStored();
      let isAtEnd = false;
      while (!isAtEnd && this.#offset < this.#sizeBytes) {
        if (this.#isSparse && (await this.#skipHole())) continue;
        isAtEnd = await this.#startRange();
      }
      const after = statOpened(this.#fd);
      const content = (await Promise.all(this.#parts)).flat();
      return this.#outcome(content, after);
    } finally {
      // The descriptor is closed next: no thread may be reading from it.
      await Promise.allSettled(this.#parts);
      await this.#resume?.close();
    }
  }

  /** An earlier run was cut off in the middle of this file. */
  #skipStored(): void {
    if (this.#resume === undefined) return;
    const { offset, afterZeroChunk } = this.#resume.start;
    for (const { content } of this.#resume.known) this.#parts.push(Promise.resolve(content));
    this.#offset = offset;
    this.#afterZeroChunk = afterZeroChunk;
    this.#context.onHoleBytes(offset);
  }

  /** Resolves when the range's end is known. @returns true when the file ended. */
  async #startRange(): Promise<boolean> {
    const { run, onReadBytes } = this.#context;
    const windowBytes = Math.min(rangeBytes, this.#sizeBytes - this.#offset);
    await run.reserve(windowBytes);
    const cut = Promise.withResolvers<RangeCut>();
    const start = this.#offset;
    const range = {
      fd: this.#fd,
      offset: start,
      windowBytes,
      isLast: start + windowBytes === this.#sizeBytes,
      afterZeroChunk: this.#afterZeroChunk,
    };
    const part = run.archiveRange(range, windowBytes, cut.resolve).then(async ({ content }) => {
      onReadBytes((await cut.promise).nextOffset - start);
      return idsOf(content);
    });
    part.catch(cut.reject);
    this.#parts.push(part);
    const { nextOffset, afterZeroChunk, atEnd } = await cut.promise;
    this.#offset = nextOffset;
    this.#afterZeroChunk = afterZeroChunk;
    this.#resume?.add(part, { endOffset: nextOffset, afterZeroChunk });
    return atEnd;
  }

  /** @returns true when a hole lies ahead that is worth chunks of its own; they are added. */
  async #skipHole(): Promise<boolean> {
    const { zeroChunks, onHoleBytes } = this.#context;
    const dataAt = systemCalls.seekData(this.#fd, this.#offset);
    const holeEnd = dataAt < 0 ? this.#sizeBytes : Math.min(dataAt, this.#sizeBytes);
    const start = this.#offset;
    const ids: BlobId[] = [];
    for (;;) {
      const bytes = this.#afterZeroChunk ? nextZeroBytes : firstZeroBytes;
      if (holeEnd - this.#offset < bytes) break;
      ids.push(await zeroChunks.id(bytes));
      this.#offset += bytes;
      this.#afterZeroChunk = true;
    }
    if (ids.length === 0) return false;
    const part = Promise.resolve(ids);
    this.#parts.push(part);
    this.#resume?.add(part, { endOffset: this.#offset, afterZeroChunk: true });
    onHoleBytes(this.#offset - start);
    return true;
  }

  #outcome(content: readonly BlobId[], after: FileStat): FileOutcome {
    const before = this.#stat;
    const isChanging = !isUnchanged(before, after) || this.#offset !== this.#sizeBytes;
    const listed = this.#entry.stat;
    const isAsListed = listed.ino === before.ino && isUnchanged(listed, before);
    const opened = isAsListed ? undefined : openedFileStat(before);
    return { kind: "read", file: { content, sizeBytes: this.#offset }, isChanging, opened };
  }
}

/** The two blobs that all holes consist of; stored when the first hole comes. */
export class ZeroChunks {
  readonly #uploader: BlobUploader;
  readonly #ids = new Map<number, Promise<BlobId>>();

  constructor(uploader: BlobUploader) {
    this.#uploader = uploader;
  }

  id(bytes: number): Promise<BlobId> {
    let id = this.#ids.get(bytes);
    if (id === undefined) {
      id = this.#uploader.saveBlob("data", Buffer.alloc(bytes)).then((saved) => saved.id);
      this.#ids.set(bytes, id);
    }
    return id;
  }
}
