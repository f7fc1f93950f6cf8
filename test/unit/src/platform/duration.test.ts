import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "../../../../src/platform/duration.ts";

test("parseDuration reads every unit that Go writes", () => {
  assert.equal(parseDuration("10m"), 600_000);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("1.5s"), 1500);
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("0"), 0);
  assert.equal(parseDuration("-2s"), -2000);
});

test("parseDuration refuses what Go refuses", () => {
  for (const text of ["", "10", "m", "10 m", "1d", "1h 30m", "h1", "1..5s"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("formatDuration writes what Velero writes", () => {
  assert.equal(formatDuration(4 * 3_600_000), "4h0m0s");
  assert.equal(formatDuration(90_000), "1m30s");
  assert.equal(formatDuration(500), "0.5s");
  assert.equal(formatDuration(-1000), "-1s");
});
