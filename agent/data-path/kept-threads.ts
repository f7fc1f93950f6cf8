// Worker threads that stay from volume to volume of a repository, so that a small volume does not wait for threads to
// start. They go when nobody has needed them for a while.

import {
  type BlobWorkerPool,
  createBlobWorkerPool,
  type Repository,
  RepositoryError,
  type TaskGate,
} from "../../repo-format/index.ts";
import type { Clock } from "../../src/platform/clock.ts";

interface KeptPool {
  readonly pool: BlobWorkerPool;
  users: number;
  /** Takes back the wish to end the pool. */
  stay: () => void;
}

const idleMs = 30_000;

export class KeptThreads {
  readonly #clock: Clock;
  readonly #maxThreads: number | undefined;
  readonly #gate: TaskGate | undefined;
  readonly #pools = new Map<Repository, KeptPool>();
  readonly #own = new Set<BlobWorkerPool>();

  /**
   * @param maxThreads of each repository; undefined: as many as there are cores.
   * @param gate for the threads of all repositories.
   */
  constructor(clock: Clock, maxThreads?: number, gate?: TaskGate) {
    this.#clock = clock;
    this.#maxThreads = maxThreads;
    this.#gate = gate;
  }

  /** Runs `fn` with the repository's threads; several may do so at once and then share them. */
  async use<T>(repository: Repository, fn: (pool: BlobWorkerPool) => Promise<T>): Promise<T> {
    const kept = this.#pools.get(repository) ?? this.#start(repository);
    kept.users += 1;
    kept.stay();
    try {
      return await fn(kept.pool);
    } catch (error) {
      // A pool that has lost a thread takes no work any more.
      if (RepositoryError.is(error, "worker-failed")) this.#forget(repository, kept);
      throw error;
    } finally {
      kept.users -= 1;
      if (kept.users === 0) kept.stay = this.#clock.after(idleMs, () => void this.#end(repository, kept));
    }
  }

  /** Runs `fn` with so many threads of its own, which end with it. */
  async useOwn<T>(repository: Repository, threads: number, fn: (pool: BlobWorkerPool) => Promise<T>): Promise<T> {
    const pool = createBlobWorkerPool(repository, threads, this.#gate);
    this.#own.add(pool);
    try {
      return await fn(pool);
    } finally {
      this.#own.delete(pool);
      await pool.close();
    }
  }

  /** Of all threads together: bytes in flight, and how many there may be. */
  get memory(): { readonly usedBytes: number; readonly limitBytes: number } {
    const budgets = [...[...this.#pools.values()].map(({ pool }) => pool), ...this.#own].map(({ budget }) => budget);
    return {
      usedBytes: budgets.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
      limitBytes: budgets.reduce((sum, { limitBytes }) => sum + limitBytes, 0),
    };
  }

  /** Ends all threads; what still uses them fails as cancelled. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools].map(([repository, kept]) => this.#end(repository, kept)));
  }

  #start(repository: Repository): KeptPool {
    const pool = createBlobWorkerPool(repository, this.#maxThreads, this.#gate);
    const kept = { pool, users: 0, stay: () => undefined };
    this.#pools.set(repository, kept);
    return kept;
  }

  #forget(repository: Repository, kept: KeptPool): void {
    if (this.#pools.get(repository) === kept) this.#pools.delete(repository);
  }

  async #end(repository: Repository, kept: KeptPool): Promise<void> {
    kept.stay();
    this.#forget(repository, kept);
    await kept.pool.close();
  }
}
