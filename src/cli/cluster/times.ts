// Times of resources as people read them: "2026-03-31 12:00:00 +0200" in the zone of this process, "29d", "3h ago".
import { parseTimestamp } from "../../platform/clock.ts";

type Timestamp = string | null | undefined;

/** With the zone's offset; `absent` where there is no time. */
export function formatTime(time: Timestamp, absent = "<n/a>"): string {
  const ms = parseTimestamp(time);
  if (ms === undefined) return absent;
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

/** The largest unit alone, as kubectl shows ages: "45s", "12m", "5h", "29d", "2y". */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  const days = Math.floor(seconds / 86_400);
  return days < 2 * 365 ? `${days}d` : `${Math.floor(days / 365)}y`;
}

/** "29d" for what is still to come, "3h ago" for what is past, "n/a" for no time. */
export function formatFromNow(time: Timestamp, nowMs: number): string {
  const ms = parseTimestamp(time);
  if (ms === undefined) return "n/a";
  return ms >= nowMs ? formatAge(ms - nowMs) : `${formatAge(nowMs - ms)} ago`;
}

/** How long something took or, while it has not ended, has taken so far; "" before it begins. */
export function formatTaken(start: Timestamp, end: Timestamp, nowMs: number): string {
  const startMs = parseTimestamp(start);
  return startMs === undefined ? "" : formatAge((parseTimestamp(end) ?? nowMs) - startMs);
}

/** "20260331120000": what names end with that a time makes unique. */
export function compactUtc(nowMs: number): string {
  return new Date(nowMs).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
}
