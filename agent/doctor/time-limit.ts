// A look that takes too long is given up: a dead NFS server or a store that drops packets must not hold up the others.

import type { Clock } from "../../src/platform/clock.ts";

export interface TimeLimit {
  readonly limitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export class TimeLimitError extends Error {
  readonly limitMs: number;

  constructor(limitMs: number) {
    super(`no answer within ${limitMs / 1000} s`);
    this.name = "TimeLimitError";
    this.limitMs = limitMs;
  }
}

/**
 * What `action` gives, or a TimeLimitError. Its signal fires then, but nobody waits for it: system calls on a dead file
 * system cannot be ended.
 */
export async function withTimeLimit<T>(
  { limitMs, clock, signal }: TimeLimit,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: unknown): void => {
    reject(reason);
    ending.abort(reason);
  };
  const cancel = clock.after(limitMs, () => giveUp(new TimeLimitError(limitMs)));
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([overdue, action(ending.signal)]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
