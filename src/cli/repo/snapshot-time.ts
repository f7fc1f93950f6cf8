// Times on the command line: "2026-03-31 12:00:00" in the zone of this process, as restic takes and shows them.
import type { TimeText } from "../../../repo-format/index.ts";
import { formatTime } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Parses a snapshot time.
 * @returns RFC 3339 text with the offset that the zone has at that instant; "now" is not taken here.
 */
export function parseSnapshotTime(text: string): TimeText {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2}))?$/.exec(text.trim());
  const wrong = new UsageError(`--time "${text}": write it like "2026-03-31 12:00:00"`);
  if (match === null) throw wrong;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? "0"));
  const date = new Date(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0);
  // A date that does not exist (31 April, 25 o'clock) has rolled over to another one.
  const isExact = date.getMonth() === (month ?? 1) - 1 && date.getDate() === day && (minute ?? 0) < 60;
  if (!isExact || (second ?? 0) > 59) throw wrong;
  return formatTime(BigInt(date.getTime()) * 1_000_000n, -date.getTimezoneOffset());
}

/** "2026-03-31 12:00:00" in the local zone of a stored time; the text itself when it is not a time. */
export function displayTime(time: TimeText): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The zone that `displayTime` shows times in. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}
