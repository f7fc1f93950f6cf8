// A counting gate for memory: whoever is about to produce bytes takes them from the budget first and gives them back when
// they have gone out. One number is thus the ceiling for everything in flight, whatever the tree looks like.
import { RepositoryError } from "../errors.ts";

interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

export class ByteBudget {
  readonly limitBytes: number;
  readonly #waiters: Waiter[] = [];
  #usedBytes = 0;
  #peakBytes = 0;

  /** @param limitBytes more than 0. */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most that was ever taken at one time. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /**
   * Takes bytes if they are there and nobody waits before us. A claim above the limit is granted when nothing else is
   * taken, so that it can never wait for ever.
   */
  tryAcquire(bytes: number): boolean {
    if (this.#waiters.length > 0 || !this.#fits(bytes)) return false;
    this.#take(bytes);
    return true;
  }

  /**
   * Takes bytes, first come, first served.
   * @throws RepositoryError "cancelled" when the signal fires before the turn has come; then nothing was taken.
   */
  async acquire(bytes: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw cancelled(signal);
    if (this.tryAcquire(bytes)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { bytes, grant: resolve };
    const onAbort = (): void => {
      const place = this.#waiters.indexOf(waiter);
      if (place < 0) return;
      this.#waiters.splice(place, 1);
      this.#grantWaiters();
      reject(cancelled(signal));
    };
    this.#waiters.push(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.#usedBytes < 0) throw new Error(`bug: ${-this.#usedBytes} bytes released twice`);
    this.#grantWaiters();
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.limitBytes;
  }

  #take(bytes: number): void {
    this.#usedBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes);
  }

  #grantWaiters(): void {
    for (let next = this.#waiters[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiters[0]) {
      this.#waiters.shift();
      this.#take(next.bytes);
      next.grant();
    }
  }
}

function cancelled(signal: AbortSignal | undefined): RepositoryError {
  return new RepositoryError("cancelled", "cancelled while waiting for memory", { cause: signal?.reason });
}
