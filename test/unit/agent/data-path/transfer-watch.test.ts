import assert from "node:assert/strict";
import { test } from "node:test";
import { TransferFailure } from "../../../../agent/data-path/transfer-failure.ts";
import { type WatchedControl, withinLimits } from "../../../../agent/data-path/transfer-watch.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const minute = 60_000;

/** A transfer that ends with its signal, or when the test says so. */
function setUp(limits: { timeoutMs?: number; stallTimeoutMs?: number }) {
  const clock = new FakeClock();
  const outer = new AbortController();
  const saved: number[] = [];
  const control = {
    signal: outer.signal,
    report: ({ bytesDone }: { bytesDone: number }) => void saved.push(bytesDone),
    hasNext: () => false,
    allButStored: () => undefined,
  };
  const given = Promise.withResolvers<WatchedControl>();
  const end = Promise.withResolvers<string>();
  const all = { timeoutMs: Infinity, stallTimeoutMs: Infinity, ...limits };
  const outcome = withinLimits({ direction: "backup", limits: all, clock, control }, (watched) => {
    watched.signal.addEventListener("abort", () => end.reject(new Error("the engine was cancelled")));
    given.resolve(watched);
    return end.promise;
  });
  outcome.catch(() => undefined);
  return { clock, outer, saved, outcome, end, given: given.promise };
}

test("a transfer in which nothing moves ends with the reason and where it stood", async () => {
  const { clock, given, outcome, saved } = setUp({ stallTimeoutMs: 30 * minute });
  const watched = await given;
  watched.moving(() => 5);
  watched.report({ bytesDone: 10, totalBytes: 90 }, { entries: 1, current: "/big" });
  await clock.advance(34 * minute);
  await assert.rejects(outcome, (error) => {
    assert.ok(error instanceof TransferFailure);
    assert.equal(error.code, "stalled");
    assert.match(
      error.message,
      /^data path backup failed: no progress for 30m0s \(at 10 of 90 bytes, while \/big was read\); see whether/,
    );
    return true;
  });
  assert.deepEqual(saved, [10], "progress goes on to the resource");
  assert.equal(clock.pending, 0);
});

test("bytes, entries or answers of the store keep it alive, each for itself", async () => {
  const { clock, given, outcome, end } = setUp({ stallTimeoutMs: 10 * minute });
  const watched = await given;
  let answers = 0;
  watched.moving(() => answers);
  const moves = [
    () => watched.report({ bytesDone: 1, totalBytes: 9 }, { entries: 0 }),
    () => watched.report({ bytesDone: 1, totalBytes: 9 }, { entries: 1 }),
    () => {
      answers = 1;
    },
  ];
  for (const move of moves) {
    await clock.advance(9 * minute);
    move();
  }
  await clock.advance(9 * minute);
  end.resolve("done");
  assert.equal(await outcome, "done");
  assert.equal(clock.pending, 0);
});

test("the same report again and again is no progress", async () => {
  const { clock, given, outcome } = setUp({ stallTimeoutMs: minute });
  const watched = await given;
  watched.moving(() => 0);
  for (let second = 0; second < 80; second++) {
    watched.report({ bytesDone: 1, totalBytes: 2 }, { entries: 1 });
    await clock.advance(1000);
  }
  await assert.rejects(outcome, /no progress for 1m0s/);
});

test("before data move nothing counts as standing still", async () => {
  const { clock, end, outcome } = setUp({ stallTimeoutMs: minute });
  await clock.advance(60 * minute);
  end.resolve("done");
  assert.equal(await outcome, "done");
});

test("a time-out ends it whatever moves", async () => {
  const { clock, given, outcome } = setUp({ timeoutMs: 5 * minute, stallTimeoutMs: minute });
  const watched = await given;
  let answers = 0;
  watched.moving(() => ++answers);
  await clock.advance(5 * minute);
  await assert.rejects(outcome, (error) => error instanceof TransferFailure && error.code === "timed-out");
  await assert.rejects(outcome, /not done after 5m0s, its time-out; the next backup goes on from here/);
});

test("a transfer that does not end although it was asked to gets its end two minutes later", async () => {
  const clock = new FakeClock();
  const control = {
    signal: new AbortController().signal,
    report: () => undefined,
    hasNext: () => false,
    allButStored: () => undefined,
  };
  let hasEnded = false;
  const limits = { timeoutMs: minute, stallTimeoutMs: Infinity };
  const outcome = withinLimits({ direction: "restore", limits, clock, control }, () => new Promise(() => undefined));
  outcome.catch(() => {
    hasEnded = true;
  });
  await clock.advance(2.9 * minute);
  assert.equal(hasEnded, false);
  await clock.advance(minute);
  await assert.rejects(outcome, /^TransferFailure: data path restore failed: not done after 1m0s/);
  assert.equal(clock.pending, 0);
});

test("a cancel from outside is handed on as it came", async () => {
  const { outer, outcome, given } = setUp({ timeoutMs: minute });
  const watched = await given;
  outer.abort(new Error("cancelled by somebody"));
  assert.equal((watched.signal.reason as Error).message, "cancelled by somebody");
  await assert.rejects(outcome, /the engine was cancelled/);
});
