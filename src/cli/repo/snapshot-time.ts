// Times on the command line: "2026-03-31 12:00:00" in the zone of this process, as restic takes and shows them.
import type { TimeText } from "../../../repo-format/index.ts";
import { formatTime } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";

/**
 * Parses a snapshot time.
 * @returns RFC 3339 text with the offset that the zone has at that instant; "now" is not taken here.
 */
export function parseSnapshotTime(text: string, flag: string = "--time"): TimeText {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}):(\d{2}))?$/.exec(text.trim());
  const wrong = new UsageError(`${flag} "${text}": write it like "2026-03-31 12:00:00"`);
  if (match === null) throw wrong;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? "0"));
  const date = new Date(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0);
  // A date that does not exist (31 April, 25 o'clock) has rolled over to another one.
  const isExact = date.getMonth() === (month ?? 1) - 1 && date.getDate() === day && (minute ?? 0) < 60;
  if (!isExact || (second ?? 0) > 59) throw wrong;
  return formatTime(BigInt(date.getTime()) * 1_000_000n, -date.getTimezoneOffset());
}

const day = String.raw`(?:(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})|(?<day2>\d{2})\.(?<month2>\d{2})\.(?<year2>\d{4}))`;
const clock = String.raw`(?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?: (?<zone>[+-]\d{4}|UTC|GMT|Z))?)?`;
const instant: RegExp = new RegExp(`^${day}(?: ${clock})?$`);

/**
 * Parses an instant to compare times of files with: "2026-03-31" or "31.03.2026", each with an optional time of day, which
 * may have seconds, and then a zone: "12:30", "12:30:15", "12:30:15 +0200". Without a zone it is that of this process.
 * @returns ns since the epoch.
 * @throws UsageError naming the flag.
 */
export function parseInstant(text: string, flag: string): bigint {
  const parts = instant.exec(text.trim())?.groups;
  const number = (...names: string[]): number => Number(names.map((name) => parts?.[name]).find(Boolean) ?? "0");
  const [year, month, dayOfMonth] = [number("year", "year2"), number("month", "month2") - 1, number("day", "day2")];
  const [hour, minute, second] = [number("hour"), number("minute"), number("second")];
  const asUtc = new Date(Date.UTC(year, month, dayOfMonth, hour, minute, second));
  // A date that does not exist (31 April, 25 o'clock) has rolled over to another one.
  const isExact = asUtc.getUTCMonth() === month && asUtc.getUTCDate() === dayOfMonth && minute < 60 && second < 60;
  if (parts === undefined || !isExact)
    throw new UsageError(`${flag} "${text}": write it like 2026-03-31, or "2026-03-31 12:00:00"`);
  const zone = parts.zone;
  if (zone === undefined) return BigInt(new Date(year, month, dayOfMonth, hour, minute, second).getTime()) * 1_000_000n;
  const digits = /^([+-])(\d\d)(\d\d)$/.exec(zone);
  const offsetMinutes = Number(`${digits?.[1] ?? ""}${Number(digits?.[2] ?? 0) * 60 + Number(digits?.[3] ?? 0)}`);
  return BigInt(asUtc.getTime() - offsetMinutes * 60_000) * 1_000_000n;
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
