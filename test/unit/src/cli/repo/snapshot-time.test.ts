import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { displayTime, parseInstant, parseSnapshotTime } from "../../../../../src/cli/repo/snapshot-time.ts";

describe("parseSnapshotTime", () => {
  it("reads local time and keeps it when shown again", () => {
    assert.equal(displayTime(parseSnapshotTime("2026-03-31 12:34:56")), "2026-03-31 12:34:56");
    assert.equal(displayTime(parseSnapshotTime("2026-03-31")), "2026-03-31 00:00:00");
  });

  it("refuses days that do not exist and other forms", () => {
    for (const text of ["2026-02-30", "now", "31.3.2026", "2026-13-01 00:00:00"])
      assert.throws(() => parseSnapshotTime(text), /write it like/);
  });
});

describe("parseInstant", () => {
  const milliseconds = (text: string): number => Number(parseInstant(text, "--oldest") / 1_000_000n);

  it("reads days and times of day in the zone of this process", () => {
    assert.equal(milliseconds("2026-03-31"), new Date(2026, 2, 31).getTime());
    for (const text of ["2026-03-31 12:30", "31.03.2026 12:30", "31.03.2026 12:30:00"])
      assert.equal(milliseconds(text), new Date(2026, 2, 31, 12, 30).getTime());
  });

  it("reads a zone behind the seconds", () => {
    assert.equal(milliseconds("2026-03-31 12:30:15 +0230"), Date.parse("2026-03-31T10:00:15Z"));
    assert.equal(milliseconds("31.03.2026 12:30:15 -0100"), Date.parse("2026-03-31T13:30:15Z"));
    assert.equal(milliseconds("2026-03-31 12:30:15 UTC"), Date.parse("2026-03-31T12:30:15Z"));
  });

  it("refuses what does not exist and other forms, naming the flag", () => {
    for (const text of [
      "",
      "yesterday",
      "2026-02-30",
      "31.13.2026",
      "2026-01-01 24:00",
      "2026-01-01 12:60",
      "2026-1-1",
    ])
      assert.throws(() => parseInstant(text, "--oldest"), /--oldest ".*write it like/, text);
  });
});
