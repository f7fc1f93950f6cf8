// A repository's shared lock, handed from one volume to the next that waits for its slot: taking a lock means two listings
// and restic's pause of 200 ms, which is longer than a small volume takes. Without a volume that waits nothing is held.

import { type LockOptions, type Repository, withLock } from "../../repo-format/index.ts";
import type { Clock } from "../../src/platform/clock.ts";

export interface KeptLockOptions extends LockOptions {
  readonly exclusive: false;
  /** Asked at the end: whether another volume is about to begin, or has begun. */
  readonly hasNext: () => boolean;
}

/** From the end of one volume to the beginning of the next are a few requests to the API server. */
const handOverMs = 1000;

/** Keeps the lock while nobody else does. */
interface HandOver {
  readonly end: AbortController;
  readonly ended: Promise<void>;
}

export class KeptLocks {
  readonly #clock: Clock;
  readonly #handOvers = new Map<Repository, HandOver>();
  /** Since when, by the monotonic clock: volumes that wait for another program, and locks in use. */
  readonly #waits = new Map<symbol, number>();
  readonly #holds = new Map<symbol, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Like withLock. @throws RepositoryError */
  async use<T>(
    repository: Repository,
    { hasNext, ...options }: KeptLockOptions,
    fn: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const user = Symbol("volume");
    const onWait: LockOptions["onWait"] = (holder, waitedMs) => {
      if (!this.#waits.has(user)) this.#waits.set(user, this.#clock.monotonicMs() - waitedMs);
      options.onWait?.(holder, waitedMs);
    };
    try {
      return await withLock(repository, { ...options, onWait }, async (signal) => {
        void this.#stop(repository);
        this.#waits.delete(user);
        this.#holds.set(user, this.#clock.monotonicMs());
        try {
          return await fn(signal);
        } finally {
          if (hasNext()) await this.#handOver(repository);
          else await this.#stop(repository);
        }
      });
    } finally {
      this.#waits.delete(user);
      this.#holds.delete(user);
    }
  }

  /** How long the volume has waited that waits longest for another program's lock; 0 when none does. */
  get longestWaitMs(): number {
    return this.#longest(this.#waits);
  }

  /** How long the volume has its lock that has it longest; 0 when none has one. */
  get longestHeldMs(): number {
    return this.#longest(this.#holds);
  }

  /** Gives back what is kept. */
  async close(): Promise<void> {
    await Promise.all([...this.#handOvers.keys()].map((repository) => this.#stop(repository)));
  }

  #longest(since: ReadonlyMap<symbol, number>): number {
    return since.size === 0 ? 0 : this.#clock.monotonicMs() - Math.min(...since.values());
  }

  /** Resolves when the lock has one more user. */
  async #handOver(repository: Repository): Promise<void> {
    await this.#stop(repository);
    const begun = Promise.withResolvers<void>();
    const end = new AbortController();
    const stay = (lost: AbortSignal): Promise<void> => {
      begun.resolve();
      return aborted(AbortSignal.any([lost, end.signal]));
    };
    const cancelAlarm = this.#clock.after(handOverMs, () => void this.#stop(repository));
    // What goes wrong with the lock is told to the volume that works under it.
    const ended = withLock(repository, { exclusive: false, retryLockMs: 0 }, stay)
      .catch(() => undefined)
      .finally(() => {
        cancelAlarm();
        begun.resolve();
      });
    this.#handOvers.set(repository, { end, ended });
    await begun.promise;
  }

  async #stop(repository: Repository): Promise<void> {
    const handOver = this.#handOvers.get(repository);
    this.#handOvers.delete(repository);
    handOver?.end.abort();
    await handOver?.ended;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
