// Reads packs and verifies everything in them, in threads, while the caller looks at the trees: the main thread is busy with
// those, and the threads would wait for it.
import { throwIfCancelled } from "../errors.ts";
import type { PackId } from "../format/id.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { createBlobWorkerPool } from "../workers/blob-worker-pool.ts";
import { checkPackData, type PackProblem } from "./check-pack-data.ts";
import type { SizedPack } from "./data-subset.ts";

/** Threads take a fifth of a second to start, in which this much is read and opened without them. */
const threadedBytes: number = 64 * 1024 * 1024;

export interface DataReadingOptions {
  readonly signal?: AbortSignal | undefined;
  /** That open blobs, at most; default: the cores. */
  readonly threads?: number | undefined;
}

export interface DataReadingEvents {
  readonly onPack: (done: number, total: number) => void;
  /** In the order in which the index tells of the packs. */
  readonly onProblem: (packId: PackId, problem: PackProblem) => void;
}

interface PackWithProblems {
  readonly packId: PackId;
  readonly problems: readonly PackProblem[];
}

/** Under way from when it is made; `stop` it when it is not waited for. */
export class DataReading {
  readonly #repo: Repository;
  readonly #packs: readonly SizedPack[];
  readonly #options: DataReadingOptions;
  readonly #stopping = new AbortController();
  /** Until somebody wants to hear of it. */
  readonly #found: PackWithProblems[] = [];
  readonly #reading: Promise<void>;
  #done = 0;
  #events: DataReadingEvents | undefined;

  constructor(repo: Repository, packs: readonly SizedPack[], options: DataReadingOptions) {
    this.#repo = repo;
    this.#packs = packs;
    this.#options = options;
    this.#reading = this.#read();
    // Looked at by whoever waits; until then a failure must not count as unhandled.
    this.#reading.catch(() => {});
  }

  /** Tells what is known so far, then the rest as it comes. @throws what ended the reading. */
  async finish(events: DataReadingEvents): Promise<void> {
    this.#events = events;
    if (this.#done > 0) events.onPack(this.#done, this.#packs.length);
    for (const pack of this.#found.splice(0)) this.#tell(pack);
    await this.#reading;
  }

  /** Gives it up. Resolves when no thread is left; does nothing after the end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reading.catch(() => {});
  }

  #tell(pack: PackWithProblems): void {
    if (this.#events === undefined) this.#found.push(pack);
    else for (const problem of pack.problems) this.#events.onProblem(pack.packId, problem);
  }

  async #read(): Promise<void> {
    const { threads } = this.#options;
    const signals = [this.#stopping.signal, ...(this.#options.signal === undefined ? [] : [this.#options.signal])];
    const signal = AbortSignal.any(signals);
    const isLong = this.#packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) >= threadedBytes;
    const pool = isLong ? createBlobWorkerPool(this.#repo, threads) : undefined;
    // A thread that reads packs itself finds the next one waiting.
    const limit = Math.max(this.#repo.storage.connections, 2 * (pool?.threads ?? 0));
    const chosen = new Set<string>(this.#packs.map(({ id }) => id));
    try {
      const checked = boundedParallel(
        this.#repo.index.packs((id) => chosen.has(id)),
        { limit, signal },
        async (pack) => ({ packId: pack.id, problems: await checkPackData(this.#repo, pack, { signal, pool }) }),
      );
      for await (const pack of checked) {
        this.#done++;
        if (pack.problems.length > 0) this.#tell(pack);
        this.#events?.onPack(this.#done, this.#packs.length);
      }
      throwIfCancelled(signal);
    } finally {
      await pool?.close();
    }
  }
}
