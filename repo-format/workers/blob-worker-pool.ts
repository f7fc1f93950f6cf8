// The threads that turn files into blobs and blobs into files. Each thread has credit for two tasks: one that it works on
// and one that waits, so that it never idles for a message. Threads start when there is work for them, and stay.
import { availableParallelism } from "node:os";
import type { CompressionMode } from "../compression/zstd.ts";
import type { MasterKey } from "../crypto/master-key.ts";
import { RepositoryError } from "../errors.ts";
import { BlobRun, type BlobRunOptions } from "./blob-run.ts";
import { ByteBudget } from "./byte-budget.ts";
import type { BlobWorkerSetup, TaskResult } from "./messages.ts";
import type { PoolTask, SubmitOptions, TaskRequest, TaskSubmitter } from "./pool-task.ts";
import { PoolThread, type SharedTableSource } from "./pool-thread.ts";
import type { RestoreTask, RestoreTaskResult } from "./restore-task.ts";
import type { TaskGate } from "./task-gate.ts";
import { blobWorkerUrl } from "./worker-url.ts";

const creditPerThread = 2;

/**
 * Sealed bytes on their way from the threads into packs, and plaintext on its way to a thread: a range of a big file (8 MiB)
 * for each thread, and one for every second that waits.
 */
const bytesInFlightPerThread: number = 12 * 1024 * 1024;

export interface BlobWorkerPoolOptions {
  readonly masterKey: MasterKey;
  readonly version: 1 | 2;
  /** For data blobs; default "auto". Ignored in version 1, which knows no compression. */
  readonly compression?: CompressionMode;
  /** Default true. */
  readonly extraVerify?: boolean;
  /** All blobs that need not be stored again. */
  readonly table: SharedTableSource;
  /** At most; never more than the cores that this process may use. Default: those. */
  readonly threads?: number;
  /** Default: 12 MiB a thread. */
  readonly maxBytesInFlight?: number;
  /** Shared with other pools. Default: as many tasks as the threads take. */
  readonly gate?: TaskGate | undefined;
  /** Code of the threads; tests give their own. */
  readonly entry?: URL;
}

/** Threads that read, seal, open and write. Close it when done: its threads keep the process alive. */
export class BlobWorkerPool implements TaskSubmitter {
  readonly threads: number;
  /** Shared by all runs: the ceiling for the memory of the whole pool. */
  readonly budget: ByteBudget;
  readonly #setup: BlobWorkerSetup;
  readonly #table: SharedTableSource;
  readonly #gate: TaskGate | undefined;
  readonly #entry: URL;
  readonly #threads: PoolThread[] = [];
  readonly #queue: PoolTask[] = [];
  #nextTask = 0;
  #nextRun = 0;
  /** Why the pool takes no work any more. */
  #ended: RepositoryError | undefined;

  constructor(options: BlobWorkerPoolOptions) {
    const isV1 = options.version === 1;
    const compression = isV1 ? "off" : (options.compression ?? "auto");
    this.threads = Math.max(1, Math.min(availableParallelism(), options.threads ?? Number.POSITIVE_INFINITY));
    this.budget = new ByteBudget(options.maxBytesInFlight ?? this.threads * bytesInFlightPerThread);
    this.#setup = {
      masterKey: options.masterKey,
      dataCompression: compression,
      treeCompression: compression === "off" && !isV1 ? "auto" : compression,
      extraVerify: options.extraVerify ?? true,
    };
    this.#table = options.table;
    this.#gate = options.gate;
    this.#entry = options.entry ?? blobWorkerUrl;
  }

  /** Threads that run now. */
  get startedThreads(): number {
    return this.#threads.length;
  }

  /**
   * A run is one backup: its sealed blobs go to `options.accept`, its tasks end when its signal fires.
   * @throws what `fn` throws; "worker-failed" when a thread died; "cancelled".
   */
  async withRun<T>(options: BlobRunOptions, fn: (run: BlobRun) => Promise<T>): Promise<T> {
    const run = new BlobRun(this, ++this.#nextRun, options);
    try {
      return await fn(run);
    } finally {
      await run.end();
      for (const thread of this.#threads) thread.tell({ kind: "end-run", run: run.number });
    }
  }

  /** Opens, verifies and writes blobs of one pack range; see restore-task.ts. */
  async restoreBlobs(restore: RestoreTask, transfer: readonly ArrayBuffer[] = []): Promise<RestoreTaskResult> {
    return (await this.submit({ kind: "restore", restore }, { transfer })) as RestoreTaskResult;
  }

  /** Hands one task to the next thread that is free. Bytes that it may produce were taken from the budget before. */
  submit(request: TaskRequest, options: SubmitOptions = {}): Promise<TaskResult> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>();
    const { transfer = [], isUrgent = false, ...events } = options;
    const task: PoolTask = { ...events, request: { ...request, task: ++this.#nextTask }, transfer, resolve, reject };
    if (isUrgent) this.#queue.unshift(task);
    else this.#queue.push(task);
    this.#dispatch();
    return promise;
  }

  /** Gives up what no thread has begun of a run. */
  dropQueued(run: number, reason: Error): void {
    for (let index = this.#queue.length - 1; index >= 0; index--) {
      const task = this.#queue[index];
      if (task === undefined || !("run" in task.request) || task.request.run.number !== run) continue;
      this.#queue.splice(index, 1);
      task.reject(reason);
    }
  }

  /** Ends all threads; tasks that are still under way are rejected with "cancelled". Safe to call twice. */
  async close(): Promise<void> {
    await this.#end(new RepositoryError("cancelled", "the worker threads were ended"));
  }

  async #end(reason: RepositoryError): Promise<void> {
    this.#ended ??= reason;
    for (const task of this.#queue.splice(0)) task.reject(reason);
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end(reason)));
  }

  readonly #dispatch = (): void => {
    while (this.#queue.length > 0) {
      if (this.#gate?.hasRoom === false) {
        this.#gate.whenRoom(this.#dispatch);
        return;
      }
      const thread = this.#freeThread();
      if (thread === undefined) return;
      thread.give(this.#throughGate(this.#queue.shift() as PoolTask), this.#table);
    }
  };

  #throughGate(task: PoolTask): PoolTask {
    const gate = this.#gate;
    if (gate === undefined) return task;
    gate.take();
    const resolve: PoolTask["resolve"] = (result) => {
      task.resolve(result);
      gate.release();
    };
    const reject: PoolTask["reject"] = (error) => {
      task.reject(error);
      gate.release();
    };
    return { ...task, resolve, reject };
  }

  /**
   * The least busy thread, of equally busy ones that which got its last task first, as it will be free first; a new one rather
   * than letting a task wait behind another.
   */
  #freeThread(): PoolThread | undefined {
    let best: PoolThread | undefined;
    for (const thread of this.#threads) {
      const isSooner = best === undefined || thread.taskCount < best.taskCount;
      const isLonger = best !== undefined && thread.taskCount === best.taskCount && thread.lastTask < best.lastTask;
      if (isSooner || isLonger) best = thread;
    }
    if ((best === undefined || best.taskCount > 0) && this.#threads.length < this.threads) return this.#startThread();
    return best !== undefined && best.taskCount < creditPerThread ? best : undefined;
  }

  #startThread(): PoolThread {
    const thread = new PoolThread({
      entry: this.#entry,
      setup: this.#setup,
      onRoom: () => this.#dispatch(),
      onFailed: (error) => void this.#end(error),
    });
    this.#threads.push(thread);
    return thread;
  }
}

/** An opened repository, as far as a pool needs it. */
export interface BlobWorkerPoolSource {
  readonly masterKey: MasterKey;
  readonly version: 1 | 2;
  readonly index: { readonly table: SharedTableSource };
  readonly options: { readonly compression?: CompressionMode; readonly extraVerify?: boolean };
}

/**
 * A pool with the repository's own key, compression and blob table.
 * @param threads at most; default: the cores that this process may use.
 * @param gate shared with other pools.
 */
export function createBlobWorkerPool(
  repository: BlobWorkerPoolSource,
  threads?: number,
  gate?: TaskGate,
): BlobWorkerPool {
  const { masterKey, version, index, options } = repository;
  const { compression, extraVerify } = options;
  return new BlobWorkerPool({
    masterKey,
    version,
    table: index.table,
    gate,
    ...(compression === undefined ? {} : { compression }),
    ...(extraVerify === undefined ? {} : { extraVerify }),
    ...(threads === undefined ? {} : { threads }),
  });
}
