// One worker thread as the pool sees it: what it has been given, what it answers, and how it ended.
import { Worker } from "node:worker_threads";
import { RepositoryError } from "../errors.ts";
import type { SharedTableHandle } from "../index/shared-blob-table.ts";
import {
  type BlobWorkerSetup,
  deserializeError,
  type SealedColumns,
  type WorkerReply,
  type WorkerRequest,
} from "./messages.ts";
import type { PoolTask } from "./pool-task.ts";

/** The blob table as the pool needs it: asked for a new handle whenever `version` moves. */
export interface SharedTableSource {
  readonly version: number;
  handle(): SharedTableHandle;
}

export interface PoolThreadOptions {
  readonly entry: URL;
  readonly setup: BlobWorkerSetup;
  /** An answer has come: there is room for another task. */
  readonly onRoom: () => void;
  /** The thread is gone although nobody asked it to. */
  readonly onFailed: (error: RepositoryError) => void;
}

/** Megabytes of young objects, where no flag of Node says it for all threads: blobs lie outside of the heap, so little is needed. */
const youngGenerationMb = 8;

/** How long an idle thread may take to end. */
const endingMs = 1000;

export class PoolThread {
  readonly #worker: Worker;
  readonly #tasks = new Map<number, PoolTask>();
  readonly #onRoom: () => void;
  #tableVersion: number | undefined;
  #lastTask = 0;
  #isClosing = false;

  constructor(options: PoolThreadOptions) {
    this.#onRoom = options.onRoom;
    this.#worker = new Worker(options.entry, {
      name: "blob-worker",
      workerData: options.setup,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    const fail = (what: string, cause?: unknown): void => {
      if (this.#isClosing) return;
      this.#isClosing = true;
      options.onFailed(new RepositoryError("worker-failed", `a worker thread ${what}`, { cause }));
    };
    this.#worker.on("message", (reply: WorkerReply) => this.#take(reply));
    this.#worker.on("messageerror", (error) => fail("sent a message that could not be read", error));
    this.#worker.on("error", (error) =>
      fail(`failed: ${error instanceof Error ? error.message : String(error)}`, error),
    );
    this.#worker.on("exit", (code) => fail(`ended with exit code ${code} while it was in use`));
    // An idle pool keeps no process alive.
    this.#worker.unref();
  }

  /** Tasks given and not yet answered. */
  get taskCount(): number {
    return this.#tasks.size;
  }

  /** Number of the task that it was given last; 0 before the first. */
  get lastTask(): number {
    return this.#lastTask;
  }

  give(task: PoolTask, table: SharedTableSource): void {
    if (this.#tableVersion !== table.version) {
      const handle = table.handle();
      this.#tableVersion = handle.version;
      this.tell({ kind: "table", table: handle });
    }
    if (this.#tasks.size === 0) this.#worker.ref();
    this.#tasks.set(task.request.task, task);
    this.#lastTask = task.request.task;
    this.#worker.postMessage(task.request, task.transfer);
  }

  tell(message: Extract<WorkerRequest, { kind: "table" | "end-run" }>): void {
    this.#worker.postMessage(message);
  }

  /**
   * Ends the thread; whoever still waits for a task is told `reason`. One that is idle ends by itself and gives back what the
   * collector does not know of; one that works is stopped, which leaves 3 KB.
   */
  async end(reason: RepositoryError): Promise<void> {
    const isIdle = !this.#isClosing && this.#tasks.size === 0;
    this.#isClosing = true;
    if (isIdle) await this.#endByItself();
    else await this.#worker.terminate();
    for (const task of this.#tasks.values()) task.reject(reason);
    this.#tasks.clear();
  }

  async #endByItself(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#worker.once("exit", () => resolve());
    this.#worker.ref();
    this.#worker.postMessage({ kind: "end" } satisfies WorkerRequest);
    // One that does not listen any more is stopped, which is an exit as well.
    const patience = setTimeout(() => void this.#worker.terminate(), endingMs);
    await promise;
    clearTimeout(patience);
  }

  #take(reply: WorkerReply): void {
    const task = this.#tasks.get(reply.task);
    if (task === undefined) return;
    if (reply.kind === "blobs") task.onBlobs?.(reply.blobs, () => this.#giveBack(reply.blobs));
    else if (reply.kind === "cut") task.onCut?.(reply.cut);
    else this.#finish(task, reply);
  }

  /** Fresh memory costs a page fault for every 4 KiB, a third of all system time of a backup. */
  #giveBack({ slab }: SealedColumns): void {
    const buffer = slab.buffer as ArrayBuffer;
    this.#worker.postMessage({ kind: "slab", slab: buffer } satisfies WorkerRequest, [buffer]);
  }

  #finish(task: PoolTask, reply: Extract<WorkerReply, { kind: "done" | "failed" }>): void {
    this.#tasks.delete(reply.task);
    if (this.#tasks.size === 0) this.#worker.unref();
    if (reply.kind === "done") {
      task.onTimes?.(reply.times);
      task.resolve(reply.result);
    } else task.reject(deserializeError(reply.error));
    this.#onRoom();
  }
}
