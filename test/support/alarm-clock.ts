// A clock whose alarms ring when the test says so.
import { type Clock, systemClock } from "../../src/platform/clock.ts";

export interface Alarms {
  readonly clock: Clock;
  /** All that are set, now. */
  readonly ring: () => void;
  /** How many are set. */
  readonly count: () => number;
}

export function alarms(): Alarms {
  const waiting = new Set<() => void>();
  const after: Clock["after"] = (_, callback) => {
    waiting.add(callback);
    return () => void waiting.delete(callback);
  };
  const ring = (): void => {
    for (const callback of [...waiting]) callback();
  };
  return { clock: { ...systemClock, after }, ring, count: () => waiting.size };
}
