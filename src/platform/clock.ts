// Time as an argument: the only file that reads the machine's clock. Everything else takes a Clock, so that tests decide
// what time it is.

import { setTimeout as sleepFor } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Resolves after that time; rejects with the signal's reason when it fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once; the returned function cancels. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // The timer rejects with its own AbortError; callers expect the reason that the signal carries.
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 in whole seconds and UTC, as Kubernetes writes metav1.Time. */
export function formatTimestamp(msSinceEpoch: number): string {
  return `${new Date(msSinceEpoch).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with milliseconds, for log lines. */
export function formatMilliTimestamp(msSinceEpoch: number): string {
  return new Date(msSinceEpoch).toISOString();
}

/** RFC 3339 with microseconds, as Kubernetes writes metav1.MicroTime. */
export function formatMicroTimestamp(msSinceEpoch: number): string {
  return `${new Date(msSinceEpoch).toISOString().slice(0, 23)}000Z`;
}

/** Milliseconds since the epoch; undefined when the text is no RFC 3339 time. */
export function parseTimestamp(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
