// A bound for things that happen at the same time.
import { RepositoryError, throwIfCancelled } from "../errors.ts";

/** A counting semaphore; who waits longest is served first. */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async take(signal: AbortSignal | undefined): Promise<void> {
    throwIfCancelled(signal);
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await this.#waitForTurn(signal);
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  #waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(onTurn);
        reject(new RepositoryError("cancelled", "the operation was cancelled", { cause: signal?.reason }));
      };
      this.#waiting.add(onTurn);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
