import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { formatTime, isTimeText, parseTime, sameInstant, zeroTime } from "../../../../repo-format/format/time.ts";

const second = 1_000_000_000n;

test("formatTime writes up to nine digits, without zeros at the end, and Z for UTC", () => {
  const cases: readonly (readonly [bigint, string])[] = [
    [0n, "1970-01-01T00:00:00Z"],
    [1n, "1970-01-01T00:00:00.000000001Z"],
    [1_500_000_000n, "1970-01-01T00:00:01.5Z"],
    [123_456_789n, "1970-01-01T00:00:00.123456789Z"],
    [120_000_000n, "1970-01-01T00:00:00.12Z"],
    [951_782_399n * second, "2000-02-28T23:59:59Z"],
    [951_782_400n * second, "2000-02-29T00:00:00Z"],
    [4_107_542_399n * second, "2100-02-28T23:59:59Z"],
    [4_107_542_400n * second, "2100-03-01T00:00:00Z"],
    [-1n, "1969-12-31T23:59:59.999999999Z"],
    [-second, "1969-12-31T23:59:59Z"],
    [-1_500_000_000n, "1969-12-31T23:59:58.5Z"],
    [-62_135_596_800n * second, zeroTime],
    [253_402_300_799n * second + 999_999_999n, "9999-12-31T23:59:59.999999999Z"],
  ];
  for (const [unixNs, text] of cases) {
    assert.equal(formatTime(unixNs), text);
    assert.deepEqual(parseTime(text), { unixNs, offsetMinutes: 0 });
  }
});

test("formatTime keeps the rest of the date when the year cannot be written, as restic does", () => {
  assert.equal(formatTime(-62_167_219_201n * second), "0000-12-31T23:59:59Z");
  assert.equal(formatTime(-62_230_204_800n * second + 5n), "0000-01-02T00:00:00.000000005Z");
  assert.equal(formatTime(253_402_300_800n * second), "9999-01-01T00:00:00Z");
  const leapDayOf12000 = (BigInt(Date.UTC(12_000, 1, 29)) / 1000n) * second;
  assert.equal(formatTime(leapDayOf12000), "9999-03-01T00:00:00Z");
  assert.equal(formatTime(leapDayOf12000 - 86_400n * second), "9999-02-28T00:00:00Z");
});

test("formatTime shows the instant in the given zone", () => {
  assert.equal(formatTime(0n, 330), "1970-01-01T05:30:00+05:30");
  assert.equal(formatTime(0n, -60), "1969-12-31T23:00:00-01:00");
  assert.deepEqual(parseTime("1969-12-31T23:00:00-01:00"), { unixNs: 0n, offsetMinutes: -60 });
  assert.deepEqual(parseTime("1970-01-01T05:30:00.5+05:30"), { unixNs: 500_000_000n, offsetMinutes: 330 });
});

test("sameInstant compares instants, whatever their zone and zeros", () => {
  assert.equal(sameInstant("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), true);
  assert.equal(sameInstant("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"), true);
  assert.equal(sameInstant("2024-01-01T00:00:00.10Z", "2024-01-01T00:00:00.1Z"), true);
  assert.equal(sameInstant("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000001Z"), false);
});

test("digits beyond nanoseconds are read and dropped", () => {
  assert.equal(parseTime("1970-01-01T00:00:00.1234567899Z").unixNs, 123_456_789n);
});

test("isTimeText and parseTime refuse everything that is not RFC 3339", () => {
  const good = "2024-02-29T23:59:59.999999999+23:59";
  assert.equal(isTimeText(good), true);
  const bad = [
    "",
    "2024-02-29",
    "2024-02-29T23:59:59",
    "2024-02-29T23:59:59z",
    "2024-02-29t23:59:59Z",
    "2024-02-29 23:59:59Z",
    "2023-02-29T23:59:59Z",
    "2024-02-30T23:59:59Z",
    "2024-04-31T23:59:59Z",
    "2024-00-01T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-01-00T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00,5Z",
    "2024-01-01T00:00:00+0100",
    "2024-01-01T00:00:00+24:00",
    "2024-01-01T00:00:00+01:60",
    "2024-01-01T00:00:00Z ",
    "2024-01-01T00:00:00Zx",
    "-024-01-01T00:00:00Z",
    "+2024-01-01T00:00:00Z",
    '2024-01-01T00:00:00Z","x":"',
    "２024-01-01T00:00:00Z",
  ];
  for (const text of bad) {
    assert.equal(isTimeText(text), false, text);
    assert.throws(
      () => parseTime(text),
      (error) => RepositoryError.is(error, "argument-invalid"),
    );
  }
});
