import assert from "node:assert/strict";
import { test } from "node:test";
import { Throttle } from "../../../../agent/data-path/throttle.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

function room({ gate }: Throttle): number {
  let count = 0;
  for (; gate.hasRoom && count < 100; count++) gate.take();
  for (let task = 0; task < count; task++) gate.release();
  return count;
}

/** What goes through in a minute, above the second's worth that may go at once. */
async function perSecond(throttle: Throttle, clock: FakeClock): Promise<number> {
  const before = throttle.passedBytes;
  const end = new AbortController();
  const taking = (async () => {
    for (;;) await throttle.bandwidth.uploadBucket?.take(1024, end.signal);
  })().catch(() => undefined);
  await clock.advance(10_000);
  end.abort();
  await taking;
  return (throttle.passedBytes - before) / 10_000;
}

test("without limits nothing is held back, and a share bounds the files by the cores", () => {
  const throttle = new Throttle(new FakeClock(), 8);
  assert.equal(throttle.bandwidth.uploadBucket?.isUnlimited, true);
  assert.equal(room(throttle), 100);
  throttle.setShare(0.5);
  assert.equal(room(throttle), 4);
  assert.equal(throttle.bandwidth.uploadBucket?.isUnlimited, true);
  throttle.setShare(0.01);
  assert.equal(room(throttle), 1);
  throttle.setShare(1);
  assert.equal(room(throttle), 100);
});

test("limits hold for all transfers together, at once, and a share lowers them", async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock, 8);
  throttle.setLimits({ uploadBytesPerSecond: 1_000_000, concurrentFiles: 3 });
  assert.equal(throttle.bandwidth.downloadBucket?.isUnlimited, true);
  assert.equal(room(throttle), 3);
  await perSecond(throttle, clock);
  const full = await perSecond(throttle, clock);
  throttle.setShare(0.25);
  const quarter = await perSecond(throttle, clock);
  assert.ok(Math.abs(quarter / full - 0.25) < 0.02, `${full} and ${quarter}`);
  throttle.setLimits({ concurrentFiles: 8 });
  assert.equal(room(throttle), 2);
  assert.equal(throttle.bandwidth.uploadBucket?.isUnlimited, true);
});

test("a slow rate is not lowered any more", () => {
  const throttle = new Throttle(new FakeClock(), 8);
  throttle.setLimits({ uploadBytesPerSecond: 1000 });
  throttle.setShare(0.1);
  assert.equal(throttle.bandwidth.uploadBucket?.isUnlimited, false);
});
