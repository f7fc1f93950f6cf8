import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { formatTime, parseTime } from "../../../../repo-format/format/time.ts";
import {
  dateFromDays,
  daysFromDate,
  formatKeepDuration,
  noDuration,
  parseKeepDuration,
  subtractDuration,
} from "../../../../repo-format/maintenance/keep-duration.ts";

test("parseKeepDuration reads the units in any order and formatKeepDuration writes them from years to hours", () => {
  assert.deepEqual(parseKeepDuration("4h3d9m"), { years: 0, months: 9, days: 3, hours: 4 });
  for (const text of ["9h", "3d", "4d2h", "7m5d", "6m4d8h", "1y2m3d4h"]) {
    assert.equal(formatKeepDuration(parseKeepDuration(text)), text);
  }
  assert.equal(formatKeepDuration(parseKeepDuration("5d7m")), "7m5d");
  assert.deepEqual(parseKeepDuration(" "), noDuration);
  assert.deepEqual(parseKeepDuration("1d3d"), { ...noDuration, days: 3 }, "the last one counts");
});

test("parseKeepDuration refuses unknown units, missing units, signs and numbers beyond 2^53", () => {
  for (const text of ["2w", "1y4m3w1d", "s", "5", "-7m", "1y -2m", "\u07c0d", "9007199254740993d"]) {
    assert.throws(
      () => parseKeepDuration(text),
      (e) => RepositoryError.is(e, "argument-invalid"),
      text,
    );
  }
});

test("daysFromDate and dateFromDays agree with the platform's calendar over eight centuries", () => {
  for (let day = -200_000; day < 100_000; day += 37) {
    const date = new Date(day * 86_400_000);
    const parts = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()].map(BigInt) as [
      bigint,
      bigint,
      bigint,
    ];
    assert.equal(daysFromDate(...parts), BigInt(day));
    assert.deepEqual(dateFromDays(BigInt(day)), { year: parts[0], month: parts[1], day: parts[2] });
  }
});

test("subtractDuration lets days that a month lacks run over into the next one, as Go's AddDate does", () => {
  const before = (time: string, duration: string): string => {
    const { unixNs, offsetMinutes } = parseTime(time);
    return formatTime(subtractDuration(unixNs, offsetMinutes, parseKeepDuration(duration)), offsetMinutes);
  };
  assert.equal(before("2023-03-31T10:00:00Z", "1m"), "2023-03-03T10:00:00Z");
  assert.equal(before("2024-03-31T10:00:00Z", "1m"), "2024-03-02T10:00:00Z");
  assert.equal(before("2024-02-29T10:00:00Z", "1y"), "2023-03-01T10:00:00Z");
  assert.equal(before("2024-01-15T10:00:00Z", "13m"), "2022-12-15T10:00:00Z");
  assert.equal(before("2024-03-01T00:30:00+02:00", "1d1h"), "2024-02-28T23:30:00+02:00");
  assert.equal(before("2024-12-31T10:00:00.5Z", "1m"), "2024-12-01T10:00:00.5Z");
});

test("subtractDuration wraps hours around at 64 bits of nanoseconds, as Go does", () => {
  const hours = 2_562_048;
  assert.ok(subtractDuration(0n, 0, { ...noDuration, hours }) > 0n);
  assert.ok(subtractDuration(0n, 0, { ...noDuration, hours: hours - 1 }) < 0n);
});
