// Sends files to the threads: small ones many at a time, big ones in ranges. Each file's outcome comes back through its
// entry. How much is under way at a time is bounded: by bytes, by descriptors, and by big files.
import type { BlobUploader } from "../repository/blob-uploader.ts";
import type { BlobRun } from "../workers/blob-run.ts";
import { type FileBatchResult, fileStatus, idsOf } from "../workers/messages.ts";
import { archiveBigFile, ZeroChunks } from "./big-file.ts";
import { batchColumns } from "./file-batch.ts";
import type { FileEntry, FileOutcome } from "./file-entry.ts";
import type { RunNotes } from "./run-notes.ts";

/** Larger files are read in ranges. */
const wholeFileBytes: number = 8 * 1024 * 1024;
/** A batch is sent when it has this much to read, or so many files, or files of so many directories. */
const batchBytes: number = 4 * 1024 * 1024;
const batchFiles = 256;
const batchDirectories = 64;
/** A file that has grown beyond what was taken from the budget is sent again, so often; then it is read in ranges. */
const growthsFollowed = 2;
/** Batches under way for each thread: one that it works on, two that wait. More would only keep nodes in memory. */
const batchesPerThread = 3;
/** Big files at a time: one keeps all threads busy, a second one while the first comes to its end. */
const bigFilesAtOnce = 2;

export interface FileArchiverOptions {
  readonly run: BlobRun;
  readonly uploader: BlobUploader;
  readonly notes: Pick<RunNotes, "resume">;
  /** Called as bytes of files are done. */
  readonly onReadBytes: (bytes: number) => void;
  /** Called for holes, which are not read. */
  readonly onHoleBytes: (bytes: number) => void;
  /** Called with the first error that is not one of a file. */
  readonly onFailed: (error: unknown) => void;
}

interface BatchedFile {
  readonly entry: FileEntry;
  /** Bytes that the thread may read. */
  readonly limitBytes: number;
  readonly growths: number;
}

export class FileArchiver {
  readonly #options: FileArchiverOptions;
  readonly #zeroChunks: ZeroChunks;
  readonly #underWay = new Set<Promise<void>>();
  readonly #current = new Set<string>();
  #batch: BatchedFile[] = [];
  #batchBytes = 0;
  readonly #batchDirectories = new Set<unknown>();
  #bigFiles = 0;
  #batches = 0;

  constructor(options: FileArchiverOptions) {
    this.#options = options;
    this.#zeroChunks = new ZeroChunks(options.uploader);
  }

  /** Big files, and the first of each batch; one character per byte. */
  get currentPaths(): Iterable<string> {
    return this.#current;
  }

  /** The caller must `flush` before it adds more. */
  get isFull(): boolean {
    const isBatchFull =
      this.#batchBytes >= batchBytes ||
      this.#batch.length >= batchFiles ||
      this.#batchDirectories.size >= batchDirectories;
    return isBatchFull || this.#bigFiles >= bigFilesAtOnce;
  }

  /** Takes a file on; holds its directory until it was read. */
  add(entry: FileEntry): void {
    entry.directory.hold();
    if (entry.stat.size > wholeFileBytes) this.#startBigFile(entry);
    else this.#addToBatch(entry, Number(entry.stat.size), 0);
  }

  /** Sends what is collected, and waits while there is no room for more. */
  async flush(): Promise<void> {
    await this.#sendBatch();
    while (this.#bigFiles >= bigFilesAtOnce || this.#batches > this.#mostBatches) await Promise.race(this.#underWay);
  }

  /** Something was taken on whose outcome is not known yet. */
  get isBusy(): boolean {
    return this.#batch.length > 0 || this.#underWay.size > 0;
  }

  /** Resolves when one of the tasks under way has ended. */
  async progress(): Promise<void> {
    await this.#sendBatch();
    if (this.#underWay.size > 0) await Promise.race(this.#underWay);
  }

  /** After a failure: waits for what is under way and forgets the rest. */
  async abandon(): Promise<void> {
    do {
      await Promise.all(this.#underWay);
      for (const { entry } of this.#batch.splice(0)) entry.directory.letGo();
      // What has ended may have taken on another one: the next name of a file that could not be read.
    } while (this.#underWay.size > 0);
  }

  /** Resolves when every file was read. */
  async finish(): Promise<void> {
    while (this.isBusy) {
      await this.#sendBatch();
      await Promise.all(this.#underWay);
    }
  }

  #addToBatch(entry: FileEntry, sizeBytes: number, growths: number): void {
    // Logs grow all the time: some room, so that a few bytes more are no reason to ask again.
    const limitBytes = sizeBytes + Math.ceil(sizeBytes / 8) + 4096;
    this.#batch.push({ entry, limitBytes, growths });
    this.#batchBytes += limitBytes;
    this.#batchDirectories.add(entry.directory);
  }

  async #sendBatch(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const bytes = this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#batchDirectories.clear();
    const { run } = this.#options;
    try {
      if (!run.tryReserve(bytes)) await run.reserve(bytes);
    } catch (error) {
      for (const { entry } of batch) entry.directory.letGo();
      throw error;
    }
    this.#batches++;
    this.#track(batch[0]?.entry.path ?? "", this.#readBatch(batch, bytes));
  }

  async #readBatch(batch: readonly BatchedFile[], bytes: number): Promise<void> {
    const files = batch.map(({ entry, limitBytes }) => ({ ...entry, fd: entry.directory.handle.fd, limitBytes }));
    const waiting = new Set(batch);
    try {
      const result = await this.#options.run.archiveFiles(batchColumns(files), bytes);
      for (const [index, outcome] of outcomesOf(result).entries()) {
        const file = batch[index] as BatchedFile;
        waiting.delete(file);
        if (outcome === "grown") this.#followGrowth(file, result.sizes[index] ?? 0);
        else this.#settle(file.entry, outcome);
      }
    } finally {
      this.#batches--;
      for (const { entry } of waiting) entry.directory.letGo();
    }
  }

  get #mostBatches(): number {
    return this.#options.run.threads * batchesPerThread;
  }

  #followGrowth({ entry, growths }: BatchedFile, sizeBytes: number): void {
    if (growths >= growthsFollowed || sizeBytes > wholeFileBytes) this.#startBigFile(entry);
    else this.#addToBatch(entry, sizeBytes, growths + 1);
  }

  #startBigFile(entry: FileEntry): void {
    this.#bigFiles++;
    this.#track(entry.path, this.#readBigFile(entry));
  }

  async #readBigFile(entry: FileEntry): Promise<void> {
    try {
      entry.onRead(await archiveBigFile(entry, { ...this.#options, zeroChunks: this.#zeroChunks }));
    } finally {
      this.#bigFiles--;
      entry.directory.letGo();
    }
  }

  #settle(entry: FileEntry, outcome: FileOutcome): void {
    if (outcome.kind === "read") this.#options.onReadBytes(outcome.file.sizeBytes);
    try {
      entry.onRead(outcome);
    } finally {
      entry.directory.letGo();
    }
  }

  #track(path: string, work: Promise<void>): void {
    this.#current.add(path);
    const tracked = work.catch((error: unknown) => this.#options.onFailed(error));
    this.#underWay.add(tracked);
    void tracked.then(() => {
      this.#underWay.delete(tracked);
      this.#current.delete(path);
    });
  }
}

function outcomesOf(result: FileBatchResult): (FileOutcome | "grown")[] {
  const ids = idsOf(result.content);
  const unlike = new Map(result.unlike.map(({ index, opened }) => [index, opened]));
  const messages = new Map(result.failures.map(({ index, message }) => [index, message]));
  let next = 0;
  return Array.from(result.statuses, (status, index): FileOutcome | "grown" => {
    if (status === fileStatus.grown) return "grown";
    if (status === fileStatus.vanished) return { kind: "vanished", message: messages.get(index) ?? "" };
    if (status === fileStatus.unreadable) return { kind: "unreadable", message: messages.get(index) ?? "" };
    const content = ids.slice(next, next + (result.blobCounts[index] ?? 0));
    next += content.length;
    const file = { content, sizeBytes: result.sizes[index] ?? 0 };
    return { kind: "read", file, isChanging: status === fileStatus.changed, opened: unlike.get(index) };
  });
}
