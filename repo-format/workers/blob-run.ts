// One backup's share of the pool. It accounts for the bytes: each task takes what it may produce from the pool's budget
// before it starts, and gives it back as the sealed blobs are accepted by the uploader. So a slow store slows the threads.
import { RepositoryError } from "../errors.ts";
import type { ListingColumns } from "../file-tree/directory-lister.ts";
import {
  type FileBatch,
  type FileBatchResult,
  type FileRange,
  type ListRequest,
  type PlaintextBatch,
  type RangeCut,
  type RangeResult,
  type RunTicket,
  type SealedBlob,
  type SealedColumns,
  type StreamWindow,
  sealedBlobsOf,
  type TaskResult,
  type TaskTimes,
} from "./messages.ts";
import type { SubmitOptions, TaskRequest, TaskSubmitter } from "./pool-task.ts";

export interface BlobRunOptions {
  /** Takes sealed blobs, copying them: their memory is used anew when it resolves, which is when there is room for more. */
  readonly accept: (blobs: readonly SealedBlob[]) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Time of all threads together. */
export interface ThreadSeconds {
  /** Opening and reading files. */
  readonly reading: number;
  /** Cutting, hashing, compressing, encrypting and verifying. */
  readonly sealing: number;
}

export class BlobRun {
  readonly number: number;
  readonly #pool: TaskSubmitter;
  readonly #options: BlobRunOptions;
  readonly #ticket: RunTicket;
  readonly #onAbort: () => void;
  readonly #running = new Set<Promise<unknown>>();
  #readingMs = 0;
  #totalMs = 0;

  constructor(pool: TaskSubmitter, number: number, options: BlobRunOptions) {
    this.number = number;
    this.#pool = pool;
    this.#options = options;
    this.#ticket = { number, cancelled: new SharedArrayBuffer(4) };
    this.#onAbort = () => this.#cancel();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#cancel();
  }

  /** Threads that work for this and other runs, at most. */
  get threads(): number {
    return this.#pool.threads;
  }

  /** What the threads did for this run so far. */
  get threadSeconds(): ThreadSeconds {
    return { reading: this.#readingMs / 1000, sealing: (this.#totalMs - this.#readingMs) / 1000 };
  }

  /** Takes bytes for a task if there are enough now; otherwise `reserve` waits for them. */
  tryReserve(bytes: number): boolean {
    return this.#pool.budget.tryAcquire(bytes);
  }

  /** @throws RepositoryError "cancelled". */
  reserve(bytes: number): Promise<void> {
    return this.#pool.budget.acquire(bytes, this.#options.signal);
  }

  /** Gives back what was reserved for a task that is not going to be submitted. */
  release(bytes: number): void {
    this.#pool.budget.release(bytes);
  }

  /**
   * Reads and stores a batch of whole files.
   * @param reservedBytes the sum of the batch's limits, reserved before; given back here.
   * @returns when all its blobs were accepted.
   */
  async archiveFiles(batch: FileBatch, reservedBytes: number): Promise<FileBatchResult> {
    const transfer = [batch.directories, batch.names, batch.nameEnds, batch.identities, batch.sizes, batch.limits];
    const buffers = transfer.map((column) => column.buffer as ArrayBuffer);
    const request = { kind: "archive-files", run: this.#ticket, batch } as const;
    return (await this.#submit(request, reservedBytes, { transfer: buffers })) as FileBatchResult;
  }

  /**
   * Reads and stores one range of a big file.
   * @param reservedBytes `range.windowBytes`, reserved before; given back here.
   * @param onCut called once, long before the result: where the next range begins.
   */
  async archiveRange(range: FileRange, reservedBytes: number, onCut: (cut: RangeCut) => void): Promise<RangeResult> {
    const request = { kind: "archive-range", run: this.#ticket, range } as const;
    return (await this.#submit(request, reservedBytes, { onCut, isUrgent: true })) as RangeResult;
  }

  /**
   * Stores one window of a stream.
   * @param window its memory is gone afterwards.
   * @param reservedBytes the window's length, reserved before; given back here.
   */
  async archiveWindow(window: StreamWindow, reservedBytes: number): Promise<RangeResult> {
    const request = { kind: "archive-window", run: this.#ticket, window } as const;
    return (await this.#submit(request, reservedBytes, {
      transfer: [window.bytes.buffer as ArrayBuffer],
    })) as RangeResult;
  }

  /**
   * Lists directories with what lies below them.
   * @param list its descriptors must stay open until this resolves.
   */
  async listDirectories(list: ListRequest): Promise<ListingColumns> {
    const request = { kind: "list", run: this.#ticket, list } as const;
    return (await this.#submit(request, 0, { isUrgent: true })) as ListingColumns;
  }

  /** Compresses and seals plaintexts that are in memory. @param reservedBytes their sum, reserved before. */
  async sealPlaintexts(plaintexts: PlaintextBatch, reservedBytes: number): Promise<void> {
    const { bytes, ends, ids } = plaintexts;
    const transfer = [bytes, ends, ids].map((column) => column.buffer as ArrayBuffer);
    await this.#submit({ kind: "seal", run: this.#ticket, plaintexts }, reservedBytes, { transfer });
  }

  /** Resolves when no thread works for this run any more; the descriptors that it was given may then be closed. */
  async end(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    // Whatever is still under way here failed or is no longer wanted.
    if (this.#running.size > 0) this.#cancel();
    await Promise.allSettled(this.#running);
  }

  #submit(request: TaskRequest, reservedBytes: number, options: SubmitOptions): Promise<TaskResult> {
    const done = this.#work(request, reservedBytes, options);
    this.#running.add(done);
    const forget = (): void => void this.#running.delete(done);
    done.then(forget, forget);
    return done;
  }

  async #work(request: TaskRequest, reservedBytes: number, options: SubmitOptions): Promise<TaskResult> {
    let held = reservedBytes;
    let accepted: Promise<void> = Promise.resolve();
    const onBlobs = (columns: SealedColumns, giveBack: () => void): void => {
      accepted = accepted.then(async () => {
        const blobs = sealedBlobsOf(columns);
        await this.#options.accept(blobs);
        giveBack();
        const bytes = Math.min(
          held,
          blobs.reduce((sum, blob) => sum + blob.sealed.length, 0),
        );
        held -= bytes;
        this.release(bytes);
      });
      // Looked at when the task has ended; until then a failure must not count as unhandled.
      accepted.catch(() => {});
    };
    const onTimes = ({ readingMs, totalMs }: TaskTimes): void => {
      this.#readingMs += readingMs;
      this.#totalMs += totalMs;
    };
    try {
      const result = await this.#pool.submit(request, { ...options, onBlobs, onTimes });
      await accepted;
      return result;
    } finally {
      await accepted.catch(() => {});
      this.release(held);
    }
  }

  #cancel(): void {
    Atomics.store(new Int32Array(this.#ticket.cancelled), 0, 1);
    const cause = this.#options.signal?.reason;
    this.#pool.dropQueued(this.number, new RepositoryError("cancelled", "the operation was cancelled", { cause }));
  }
}
