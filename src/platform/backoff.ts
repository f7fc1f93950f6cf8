// Growing delays between tries. One shape for the API client, the informers, the work queues and the agent's own waits.

import type { Clock } from "./clock.ts";

export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** 0..1: how much of the delay is left to chance, so that many nodes do not come back at the same moment. */
  readonly jitter: number;
}

export const reconnectBackoff: Backoff = { firstMs: 500, factor: 2, maxMs: 30_000, jitter: 0.5 };

/** Delay before try number `attempt` (0 = the first repetition). `random` gives 0..1. */
export function backoffDelayMs(attempt: number, backoff: Backoff, random: () => number = Math.random): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** Math.min(attempt, 60));
  return full * (1 - backoff.jitter * random());
}

export interface RetryOptions {
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly maxAttempts: number;
  readonly signal?: AbortSignal | undefined;
  readonly shouldRetry: (error: unknown) => boolean;
}

/** Calls `action` until it succeeds, the error is not worth a retry, or the attempts are used up. */
export async function retryWithBackoff<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const isLast = attempt + 1 >= options.maxAttempts;
      if (isLast || options.signal?.aborted === true || !options.shouldRetry(error)) throw error;
    }
    await options.clock.sleep(backoffDelayMs(attempt, options.backoff), options.signal);
  }
}
