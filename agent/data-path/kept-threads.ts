// Worker threads that stay from volume to volume of a repository, so that a small volume does not wait for threads to
// start. They go when nobody has needed them for a while.

import {
  type BlobWorkerPool,
  createBlobWorkerPool,
  type Repository,
  RepositoryError,
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
  readonly #pools = new Map<Repository, KeptPool>();

  /** @param maxThreads of each repository; undefined: as many as there are cores. */
  constructor(clock: Clock, maxThreads?: number) {
    this.#clock = clock;
    this.#maxThreads = maxThreads;
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

  /** Of all kept threads together: bytes in flight, and how many there may be. */
  get memory(): { readonly usedBytes: number; readonly limitBytes: number } {
    const budgets = [...this.#pools.values()].map(({ pool }) => pool.budget);
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
    const kept = { pool: createBlobWorkerPool(repository, this.#maxThreads), users: 0, stay: () => undefined };
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
