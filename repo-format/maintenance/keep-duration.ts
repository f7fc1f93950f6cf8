// The lengths of time in a retention policy ("1y2m3d4h") and the calendar subtraction that goes with them. Months have
// no fixed length, so a duration is kept as four numbers and only becomes an instant when it is taken from a date.

import { RepositoryError } from "../errors.ts";

/** Calendar distance; all parts are whole numbers, zero when not given. */
export interface KeepDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

export const noDuration: KeepDuration = { years: 0, months: 0, days: 0, hours: 0 };

export function isNoDuration(duration: KeepDuration): boolean {
  return duration.years === 0 && duration.months === 0 && duration.days === 0 && duration.hours === 0;
}

const unitNames: Record<string, keyof KeepDuration> = { y: "years", m: "months", d: "days", h: "hours" };

/**
 * Reads `1y2m3d4h`: any of the four units in any order; the last one of a repeated unit counts, the empty text is zero.
 * @throws RepositoryError "argument-invalid" for anything else, also for negative numbers.
 */
export function parseKeepDuration(text: string): KeepDuration {
  const duration = { ...noDuration };
  const trimmed = text.trim();
  const part = /(\d+)([ymdh])/y;
  while (part.lastIndex < trimmed.length) {
    const at = part.lastIndex;
    const match = part.exec(trimmed);
    const value = Number(match?.[1]);
    const unit = unitNames[match?.[2] ?? ""];
    if (unit === undefined || !Number.isSafeInteger(value)) {
      throw new RepositoryError("argument-invalid", `"${text}" is not a duration: expected numbers with y, m, d or h`, {
        details: { text, position: at },
      });
    }
    duration[unit] = value;
  }
  return duration;
}

/** The text that `parseKeepDuration` reads: units from years to hours, zero parts left out. */
export function formatKeepDuration(duration: KeepDuration): string {
  const part = (value: number, unit: string): string => (value === 0 ? "" : `${value}${unit}`);
  return part(duration.years, "y") + part(duration.months, "m") + part(duration.days, "d") + part(duration.hours, "h");
}

const nsPerSecond = 1_000_000_000n;
const nsPerDay = 86_400n * nsPerSecond;

/** Days since 1970-01-01 of a date in the proleptic Gregorian calendar; month 1 to 12, any day. */
export function daysFromDate(year: bigint, month: bigint, day: bigint): bigint {
  // Years start in March here, so that the leap day is the last one.
  const y = month <= 2n ? year - 1n : year;
  const era = floorDivide(y, 400n);
  const yearOfEra = y - era * 400n;
  const dayOfYear = (153n * (month + (month > 2n ? -3n : 9n)) + 2n) / 5n;
  return era * 146_097n + yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear + day - 1n - 719_468n;
}

/** Year, month (1 to 12) and day of a day number as `daysFromDate` gives it. */
export function dateFromDays(days: bigint): { year: bigint; month: bigint; day: bigint } {
  const shifted = days + 719_468n;
  const era = floorDivide(shifted, 146_097n);
  const dayOfEra = shifted - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1_460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const monthFromMarch = (5n * dayOfYear + 2n) / 153n;
  const month = monthFromMarch < 10n ? monthFromMarch + 3n : monthFromMarch - 9n;
  return {
    year: yearOfEra + era * 400n + (month <= 2n ? 1n : 0n),
    month,
    day: dayOfYear - (153n * monthFromMarch + 2n) / 5n + 1n,
  };
}

export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

/**
 * The instant `duration` before `unixNs`, computed on the calendar of a zone as Go's time.AddDate does it: a day that
 * the target month does not have runs over into the next month (31 March less one month is 3 March, or 2 in a leap year).
 */
export function subtractDuration(unixNs: bigint, offsetMinutes: number, duration: KeepDuration): bigint {
  const offsetNs = BigInt(offsetMinutes) * 60n * nsPerSecond;
  const localNs = unixNs + offsetNs;
  const days = floorDivide(localNs, nsPerDay);
  const { year, month, day } = dateFromDays(days);
  const months = year * 12n + (month - 1n) - BigInt(duration.years) * 12n - BigInt(duration.months);
  const newYear = floorDivide(months, 12n);
  const newDays = daysFromDate(newYear, months - newYear * 12n + 1n, day) - BigInt(duration.days);
  // Go keeps the hours as nanoseconds in 64 bits, so more than 292 years of them wrap around; so do ours.
  const hoursNs = BigInt.asIntN(64, -BigInt(duration.hours) * 3_600n * nsPerSecond);
  return newDays * nsPerDay + (localNs - days * nsPerDay) - offsetNs + hoursNs;
}
