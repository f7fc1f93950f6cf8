import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { TokenBucket } from "../../../../repo-format/storage/token-bucket.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function bucketAt(bytesPerSecond: number): { clock: ManualClock; bucket: TokenBucket } {
  const clock = new ManualClock(0);
  return { clock, bucket: new TokenBucket({ bytesPerSecond, monotonicClock: clock.now, sleep: clock.sleep }) };
}

describe("TokenBucket", () => {
  it("lets a second's worth pass at once, and then no more than the rate", async () => {
    const { clock, bucket } = bucketAt(1000);
    await bucket.take(1000);
    const passedAt: number[] = [];
    const takers = [100, 400, 1, 2000].map((bytes) => bucket.take(bytes).then(() => passedAt.push(clock.now())));
    await clock.advance(10_000);
    await Promise.all(takers);
    assert.deepEqual(passedAt, [100, 500, 501, 2501]);
  });

  it("saves no more than a second's worth while nobody takes", async () => {
    const { clock, bucket } = bucketAt(1000);
    await clock.advance(60_000);
    await bucket.take(1000);
    let hasPassed = false;
    const taking = bucket.take(10).then(() => {
      hasPassed = true;
    });
    await clock.advance(9);
    assert.equal(hasPassed, false);
    await clock.advance(1);
    await taking;
  });

  it("gives back what a cancelled taker did not use", async () => {
    const { clock, bucket } = bucketAt(1000);
    const controller = new AbortController();
    await bucket.take(1000);
    const large = bucket.take(1_000_000, controller.signal);
    controller.abort();
    await assert.rejects(large, (error) => RepositoryError.is(error, "cancelled"));
    const small = bucket.take(10);
    await clock.advance(10);
    await small;
  });

  it("takes on another rate at once, also for those who wait", async () => {
    const { clock, bucket } = bucketAt(1000);
    await bucket.take(1000);
    const passedAt: number[] = [];
    const takers = [1000, 1000, 8000].map((bytes) => bucket.take(bytes).then(() => passedAt.push(clock.now())));
    await clock.advance(500);
    bucket.setRate(100);
    await clock.advance(5000);
    assert.deepEqual(passedAt, [5500], "half of it was paid for at the old rate");
    bucket.setRate(1000);
    await clock.advance(1000);
    assert.deepEqual(passedAt, [5500, 6500]);
    bucket.setRate(Number.POSITIVE_INFINITY);
    await Promise.all(takers);
    assert.equal(clock.now(), 6500);
    await bucket.take(1e12);
    assert.equal(bucket.passedBytes, 11_000, "what is not held back does not count");
    bucket.setRate(1000);
    const after = bucket.take(2000);
    await clock.advance(2000);
    await after;
  });

  it("refuses a rate that is none", () => {
    for (const rate of [0, -1, Number.NaN])
      assert.throws(
        () => bucketAt(rate),
        (error) => RepositoryError.is(error, "argument-invalid"),
      );
  });
});
