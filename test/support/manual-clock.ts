// A clock that stands still until a test moves it, with sleeps that follow it.
import { setImmediate as nextTurn } from "node:timers/promises";
import { RepositoryError } from "../../repo-format/errors.ts";

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export class ManualClock {
  #nowMs: number;
  #sleepers: Sleeper[] = [];

  constructor(startMs: number = Date.UTC(2024, 4, 1)) {
    this.#nowMs = startMs;
  }

  /** Milliseconds since the epoch. */
  readonly now = (): number => this.#nowMs;

  /** Resolves when the clock was moved that far; rejects with "cancelled" when the signal fires. */
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    return new Promise((resolve, reject) => {
      const sleeper: Sleeper = { dueMs: this.#nowMs + ms, wake: resolve };
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(new RepositoryError("cancelled", "the sleep was cancelled"));
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.push(sleeper);
    });
  };

  /** Moves the clock and lets everything that wakes up on the way run, in order. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = this.#sleepers.filter((sleeper) => sleeper.dueMs <= targetMs);
      const next = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#nowMs = targetMs;
    await settle();
  }

  /** Moves the clock without waking anybody before the end: the machine was suspended. */
  async jump(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }
}

/** Lets pending promises and storage answers in memory run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}
