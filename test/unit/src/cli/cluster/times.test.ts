import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compactUtc, formatAge, formatFromNow, formatTaken, formatTime } from "../../../../../src/cli/cluster/times.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

describe("times", () => {
  it("are shown in the local zone with its offset, so that they can be read back", () => {
    const text = formatTime("2026-03-31T12:00:00Z");
    assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$/);
    assert.equal(Date.parse(text), Date.parse("2026-03-31T12:00:00Z"));
    assert.equal(formatTime(undefined), "<n/a>");
    assert.equal(formatTime(null, "<never>"), "<never>");
    assert.equal(formatTime("yesterday", "?"), "?");
  });

  it("ages have one unit, as kubectl's", () => {
    const ages = [0, 59_999, minute, 90 * minute, day - 1, 5 * day, 729 * day, 730 * day, -5].map(formatAge);
    assert.deepEqual(ages, ["0s", "59s", "1m", "1h", "23h", "5d", "729d", "2y", "0s"]);
  });

  it("say what is past and what is to come", () => {
    const now = Date.parse("2026-03-31T12:00:00Z");
    assert.equal(formatFromNow("2026-04-01T13:00:00Z", now), "1d");
    assert.equal(formatFromNow("2026-03-31T11:00:00Z", now), "1h ago");
    assert.equal(formatFromNow(undefined, now), "n/a");
  });

  it("tell how long something took, or has taken so far", () => {
    const now = Date.parse("2026-03-31T12:00:00Z");
    assert.equal(formatTaken("2026-03-31T11:00:00Z", "2026-03-31T11:05:00Z", now), "5m");
    assert.equal(formatTaken("2026-03-31T11:00:00Z", null, now), "1h");
    assert.equal(formatTaken(undefined, undefined, now), "");
  });

  it("make names unique in UTC", () => {
    assert.equal(compactUtc(Date.parse("2026-03-31T01:02:03.456Z")), "20260331010203");
  });
});
