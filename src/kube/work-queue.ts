// Names of objects that have to be looked at. A name waits at most once, is never handed to two workers at a time, and
// comes back later when it was added while being worked on.

import { type Backoff, backoffDelayMs } from "../platform/backoff.ts";
import { type Clock, systemClock } from "../platform/clock.ts";

export interface WorkQueueOptions {
  readonly clock?: Clock;
  /** Delays for addAfterFailure, per name. */
  readonly backoff?: Backoff;
}

const failureBackoff: Backoff = { firstMs: 200, factor: 2, maxMs: 60_000, jitter: 0.2 };

interface Delayed {
  readonly dueMs: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  /** In order of arrival. */
  readonly #waiting = new Set<string>();
  readonly #inWork = new Set<string>();
  /** Added while in work. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  #takers: (() => void)[] = [];

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? failureBackoff;
  }

  /** Names that wait; those in work and the delayed ones are not counted. */
  get length(): number {
    return this.#waiting.size;
  }

  add(name: string): void {
    this.#delayed.get(name)?.cancel();
    this.#delayed.delete(name);
    if (this.#inWork.has(name)) {
      this.#again.add(name);
      return;
    }
    this.#waiting.add(name);
    this.#wakeOne();
  }

  /** The earlier of two delays for one name wins. */
  addAfter(name: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(name);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const known = this.#delayed.get(name);
    if (known !== undefined && known.dueMs <= dueMs) return;
    known?.cancel();
    this.#delayed.set(name, { dueMs, cancel: this.#clock.after(delayMs, () => this.add(name)) });
  }

  /** Adds it after a delay that grows with each call until forget(). Returns the delay in milliseconds. */
  addAfterFailure(name: string): number {
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    const delayMs = backoffDelayMs(failures, this.#backoff);
    this.addAfter(name, delayMs);
    return delayMs;
  }

  failuresOf(name: string): number {
    return this.#failures.get(name) ?? 0;
  }

  /** The next failure of this name starts with the shortest delay again. */
  forget(name: string): void {
    this.#failures.delete(name);
  }

  /** Waits for a name; undefined when the signal fires. Call done() afterwards. */
  async take(signal: AbortSignal): Promise<string | undefined> {
    while (!signal.aborted) {
      const [name] = this.#waiting;
      if (name !== undefined) {
        this.#waiting.delete(name);
        this.#inWork.add(name);
        return name;
      }
      await this.#wait(signal);
    }
    return undefined;
  }

  done(name: string): void {
    this.#inWork.delete(name);
    if (this.#again.delete(name)) this.add(name);
  }

  /** Cancels the delayed names, so that no timer keeps the process alive. */
  close(): void {
    for (const delayed of this.#delayed.values()) delayed.cancel();
    this.#delayed.clear();
  }

  #wakeOne(): void {
    this.#takers.shift()?.();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        signal.removeEventListener("abort", finish);
        this.#takers = this.#takers.filter((taker) => taker !== finish);
        resolve();
      };
      signal.addEventListener("abort", finish, { once: true });
      this.#takers.push(finish);
    });
  }
}
