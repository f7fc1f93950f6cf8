import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMicroTimestamp, formatTimestamp, parseTimestamp, systemClock } from "../../../../src/platform/clock.ts";

test("timestamps have the forms that Kubernetes writes", () => {
  const ms = Date.UTC(2024, 0, 2, 3, 4, 5, 678);
  assert.equal(formatTimestamp(ms), "2024-01-02T03:04:05Z");
  assert.equal(formatMicroTimestamp(ms), "2024-01-02T03:04:05.678000Z");
  assert.equal(parseTimestamp("2024-01-02T03:04:05Z"), ms - 678);
  assert.equal(parseTimestamp(null), undefined);
  assert.equal(parseTimestamp("soon"), undefined);
});

test("systemClock.sleep rejects with the reason of the signal", async () => {
  const controller = new AbortController();
  const sleep = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(sleep, /enough/);
});
