// Many Schedules say "0 0 * * *". A jitter lets each run begin a little later; how much is drawn from the Schedule and the
// time that it was due, so that whoever asks again, also after a restart, gets the same answer.
import { hash } from "node:crypto";
import { annotations } from "../../api/names.ts";
import type { Schedule } from "../../api/schedule.ts";
import { parseDuration } from "../../platform/duration.ts";

/** The largest delay, in milliseconds; undefined when the annotation cannot be read. */
export function jitterLimitMs({ metadata }: Schedule, defaultMs: number): number | undefined {
  const text = metadata.annotations?.[annotations.startJitter];
  if (text === undefined) return defaultMs;
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 0 ? ms : undefined;
}

/** From 0 to below the limit. */
export function startDelayMs({ metadata }: Schedule, dueMs: number, limitMs: number): number {
  const digits = hash("sha256", `${metadata.uid ?? metadata.name} ${dueMs}`, "hex").slice(0, 12);
  return Math.floor((Number.parseInt(digits, 16) / 0x1_0000_0000_0000) * limitMs);
}
