import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffDelayMs, retryWithBackoff } from "../../../../src/platform/backoff.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const backoff = { firstMs: 100, factor: 2, maxMs: 1000, jitter: 0.5 };

test("backoffDelayMs grows to its maximum and leaves a part to chance", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 500].map((attempt) => backoffDelayMs(attempt, backoff, () => 0)),
    [100, 200, 400, 800, 1000, 1000],
  );
  assert.equal(
    backoffDelayMs(0, backoff, () => 1),
    50,
  );
});

test("retryWithBackoff repeats only what is worth repeating, and only so often", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const action = async () => {
    calls++;
    throw new Error(calls < 3 ? "again" : "final");
  };
  const done = retryWithBackoff(action, {
    backoff,
    clock,
    maxAttempts: 10,
    shouldRetry: (error) => (error as Error).message === "again",
  });
  const checked = assert.rejects(done, /final/);
  await clock.advance(5000);
  await checked;
  assert.equal(calls, 3);
});

test("retryWithBackoff ends its pause when the signal fires", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const options = { backoff, clock, maxAttempts: 3, signal: controller.signal, shouldRetry: () => true };
  const done = retryWithBackoff(() => Promise.reject(new Error("down")), options);
  const checked = assert.rejects(done, /enough/);
  await clock.advance(1);
  controller.abort(new Error("enough"));
  await checked;
});
