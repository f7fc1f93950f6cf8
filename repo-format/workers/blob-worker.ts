// Entry of a blob worker thread: takes requests in their order, does each to its end and answers. All work is synchronous;
// while it lasts nothing else happens here. Code that only some tasks need is loaded for the first of them: it takes 20 to 30 ms
// of each thread, a tenth of a short check.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { idBytes } from "../format/id.ts";
import { freeMemory } from "../native/free-memory.ts";
import { freeOpenSslContexts } from "../native/openssl.ts";
import type { ArchiveTask } from "./archive-task.ts";
import { BlobSealer } from "./blob-sealer.ts";
import { KnownBlobs } from "./known-blobs.ts";
import { ListTask, memoryOf } from "./list-task.ts";
import {
  type BlobWorkerSetup,
  type PlaintextBatch,
  type RunTicket,
  serializeError,
  type TaskResult,
  throwIfRunCancelled,
  type WorkerReply,
  type WorkerRequest,
} from "./messages.ts";
import type { runRestoreTask } from "./restore-task.ts";
import { SealedSlab, type SealedSlabOptions, SpareSlabs } from "./sealed-slab.ts";

type TaskRequest = Extract<WorkerRequest, { task: number }>;
type ArchiveRequest = Exclude<TaskRequest, { kind: "seal" | "list" | "restore" }>;

class BlobWorker {
  readonly #port: MessagePort;
  readonly #setup: BlobWorkerSetup;
  readonly #known = new KnownBlobs();
  readonly #sealer: BlobSealer;
  readonly #spares = new SpareSlabs();
  /** Set when they are loaded: from then on a task is done without waiting for anything. */
  #archive: ArchiveTask | undefined;
  #restore: typeof runRestoreTask | undefined;
  #archiveLoading: Promise<ArchiveTask> | undefined;
  readonly #lists = new ListTask();

  constructor(port: MessagePort, setup: BlobWorkerSetup) {
    this.#port = port;
    this.#setup = setup;
    this.#sealer = new BlobSealer(setup);
  }

  take(request: WorkerRequest): void {
    if (request.kind === "table") this.#known.attach(request.table);
    else if (request.kind === "slab") this.#spares.give(request.slab);
    else if (request.kind === "end-run") {
      this.#known.endRun(request.run);
      this.#spares.clear();
    } else if (request.kind === "end") {
      freeOpenSslContexts();
      this.#port.close();
    } else void this.#answer(request);
  }

  async #answer(request: TaskRequest): Promise<void> {
    const { task } = request;
    try {
      const startMs = performance.now();
      const result = await this.#work(request);
      const times = { totalMs: performance.now() - startMs, readingMs: this.#takeReadingMs() };
      this.#reply({ kind: "done", task, result, times }, transferablesOf(result));
    } catch (error) {
      this.#takeReadingMs(); // nobody's: the next task begins at zero
      this.#reply({ kind: "failed", task, error: serializeError(error) });
    }
  }

  async #work(request: TaskRequest): Promise<TaskResult> {
    switch (request.kind) {
      case "seal":
        return this.#seal(request.task, request.run, request.plaintexts);
      case "list":
        return this.#lists.list(request.run, request.list);
      case "restore":
        this.#restore ??= (await import("./restore-task.ts")).runRestoreTask;
        return this.#restore(request.restore, this.#setup.masterKey);
      default: {
        this.#archiveLoading ??= this.#loadArchive();
        this.#archive ??= await this.#archiveLoading;
        return this.#archived(request, this.#archive);
      }
    }
  }

  #archived(request: ArchiveRequest, archive: ArchiveTask): TaskResult {
    const { task } = request;
    switch (request.kind) {
      case "archive-files":
        return archive.files(request.run, request.batch, this.#slab(task, "data", sumOf(request.batch.limits)));
      case "archive-range": {
        const slab = this.#slab(task, "data", request.range.windowBytes);
        return archive.range(request.run, request.range, slab, (cut) => this.#reply({ kind: "cut", task, cut }));
      }
      case "archive-window":
        return archive.window(request.run, request.window, this.#slab(task, "data", request.window.cuts.end));
    }
  }

  async #loadArchive(): Promise<ArchiveTask> {
    const { createArchiveTask } = await import("./archive-task.ts");
    return createArchiveTask(this.#sealer, this.#known);
  }

  #takeReadingMs(): number {
    return this.#archive?.takeReadingMs() ?? 0;
  }

  #seal(task: number, run: RunTicket, { type, bytes, ends, ids }: PlaintextBatch): undefined {
    const slab = this.#slab(task, type, bytes.length);
    let start = 0;
    for (const [index, end] of ends.entries()) {
      const id = ids.subarray(index * idBytes, (index + 1) * idBytes);
      throwIfRunCancelled(run);
      this.#sealer.seal(type, id, bytes.subarray(start, end), slab);
      start = end;
    }
    slab.flush();
    freeMemory(bytes);
    return undefined;
  }

  #slab(task: number, type: PlaintextBatch["type"], expectedBytes: number): SealedSlab {
    const send: SealedSlabOptions["send"] = (blobs, transfer) => this.#reply({ kind: "blobs", task, blobs }, transfer);
    return new SealedSlab({ type, expectedBytes, spares: this.#spares, send });
  }

  #reply(reply: WorkerReply, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(reply, transfer);
  }
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function transferablesOf(result: TaskResult): ArrayBuffer[] {
  if (result === undefined) return [];
  if ("children" in result) return memoryOf(result);
  const memory = "content" in result ? result.content : "sealed" in result ? result.sealed : undefined;
  return memory === undefined ? [] : [memory.buffer as ArrayBuffer];
}

if (parentPort === null) throw new Error("bug: blob-worker.ts is the code of a thread");
const worker = new BlobWorker(parentPort, workerData as BlobWorkerSetup);
parentPort.on("message", (request: WorkerRequest) => worker.take(request));
