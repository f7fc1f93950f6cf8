// Times as restic stores them: RFC 3339 text with up to nine digits of a second. They stay text in memory, so that what was
// read is written back unchanged; arithmetic uses nanoseconds since 1970 as a bigint.
import { RepositoryError } from "../errors.ts";

/** RFC 3339, as stored: `2024-02-29T23:59:60.123456789+01:00`, `Z` for UTC, no zeros at the end of the fraction. */
export type TimeText = string;

/** Go's zero time: what a time that is absent reads as. */
export const zeroTime: TimeText = "0001-01-01T00:00:00Z";

const nanosecondsPerSecond = 1_000_000_000n;
const secondsPerDay = 86_400;

let lastDay = Number.NaN;
let lastDayText = "";

/**
 * The stored form of an instant.
 * @param offsetMinutes the zone that the text shows, east of UTC; 0 gives `Z`.
 * A year before 0 or after 9999 (in that zone) is replaced by that bound and the rest of the date kept, as restic does.
 */
export function formatTime(unixNs: bigint, offsetMinutes: number = 0): TimeText {
  let seconds = Number(unixNs / nanosecondsPerSecond);
  let nanoseconds = Number(unixNs % nanosecondsPerSecond);
  if (nanoseconds < 0) {
    seconds -= 1;
    nanoseconds += 1_000_000_000;
  }
  seconds += offsetMinutes * 60;
  const day = Math.floor(seconds / secondsPerDay);
  const second = seconds - day * secondsPerDay;
  return `${dayText(day)}${clockText(second)}${fractionText(nanoseconds)}${zoneText(offsetMinutes)}`;
}

/**
 * Reads a stored time.
 * @throws RepositoryError "argument-invalid" when the text is not RFC 3339.
 */
export function parseTime(text: TimeText): { readonly unixNs: bigint; readonly offsetMinutes: number } {
  const match = timePattern.exec(text);
  if (match === null || !isTimeText(text)) {
    throw new RepositoryError(
      "argument-invalid",
      `a time looks like 2024-02-29T23:59:59.5Z; got ${JSON.stringify(text)}`,
    );
  }
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match as unknown as string[];
  const days = daysSince1970(Number(year), Number(month), Number(day));
  const offsetMinutes = offsetOf(zone);
  const seconds = days * secondsPerDay + Number(hour) * 3600 + (Number(minute) - offsetMinutes) * 60 + Number(second);
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return { unixNs: BigInt(seconds) * nanosecondsPerSecond + nanoseconds, offsetMinutes };
}

/** True when both texts name the same instant; equal texts, by far the most frequent case, are not parsed. */
export function sameInstant(a: TimeText, b: TimeText): boolean {
  return a === b || parseTime(a).unixNs === parseTime(b).unixNs;
}

const timePattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

/**
 * True when Go would accept the text as a time: RFC 3339 with every field in its range. By hand, because trees hold three
 * times a node: 0.1 µs each, a fifth of what a regular expression takes.
 */
export function isTimeText(text: string): boolean {
  const isShaped =
    text.length >= 20 &&
    text.charCodeAt(4) === 0x2d &&
    text.charCodeAt(7) === 0x2d &&
    text.charCodeAt(10) === 0x54 &&
    text.charCodeAt(13) === 0x3a &&
    text.charCodeAt(16) === 0x3a;
  if (!isShaped) return false;
  const year = pairAt(text, 0) * 100 + pairAt(text, 2);
  const month = pairAt(text, 5);
  const day = pairAt(text, 8);
  // A pair that is not two digits is NaN, which fails every comparison.
  const isDate = year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  return isDate && pairAt(text, 11) < 24 && pairAt(text, 14) < 60 && pairAt(text, 17) < 60 && isTimeEnd(text);
}

/** What follows the seconds: a fraction of any length, and the zone. */
function isTimeEnd(text: string): boolean {
  let at = 19;
  if (text.charCodeAt(at) === 0x2e) {
    at++;
    while (isDigit(text.charCodeAt(at))) at++;
    if (at === 20) return false;
  }
  const zone = text.charCodeAt(at);
  if (zone === 0x5a) return text.length === at + 1;
  const isOffset = (zone === 0x2b || zone === 0x2d) && text.length === at + 6 && text.charCodeAt(at + 3) === 0x3a;
  return isOffset && pairAt(text, at + 1) < 24 && pairAt(text, at + 4) < 60;
}

function pairAt(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - 0x30) * 10 + ones - 0x30 : Number.NaN;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return zone.startsWith("-") ? -minutes : minutes;
}

/** `YYYY-MM-DDT`; neighbours in a directory mostly share the day, so the last one is kept. */
function dayText(day: number): string {
  if (day === lastDay) return lastDayText;
  const [trueYear, month, dayOfMonth] = civilFromDays(day);
  const year = Math.min(Math.max(trueYear, 0), 9999);
  const isNoDate = dayOfMonth > daysInMonth(year, month);
  lastDay = day;
  lastDayText = isNoDate
    ? `${fourDigits(year)}-03-01T`
    : `${fourDigits(year)}-${twoDigits(month)}-${twoDigits(dayOfMonth)}T`;
  return lastDayText;
}

function clockText(second: number): string {
  const hours = Math.floor(second / 3600);
  const minutes = Math.floor(second / 60) % 60;
  return `${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(second % 60)}`;
}

function fractionText(nanoseconds: number): string {
  if (nanoseconds === 0) return "";
  let digits = String(nanoseconds).padStart(9, "0");
  let end = 9;
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  if (end < 9) digits = digits.slice(0, end);
  return `.${digits}`;
}

function zoneText(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

function fourDigits(value: number): string {
  return String(value).padStart(4, "0");
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Days to civil date in the proleptic Gregorian calendar, by 400-year eras that begin on 1 March. */
function civilFromDays(days: number): [number, number, number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function daysSince1970(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
