import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeLimitError, withTimeLimit } from "../../../../agent/doctor/time-limit.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const signal = new AbortController().signal;

test("what is done in time is given back, and leaves no timer", async () => {
  const clock = new FakeClock();
  assert.equal(await withTimeLimit({ limitMs: 10, clock, signal }, async () => "done"), "done");
});

test("what hangs is given up although it never looks at its signal", async () => {
  const clock = new FakeClock();
  let given: AbortSignal | undefined;
  const hanging = withTimeLimit({ limitMs: 2000, clock, signal }, (limited) => {
    given = limited;
    return new Promise(() => undefined);
  });
  const checked = assert.rejects(
    hanging,
    (error: Error) => error instanceof TimeLimitError && /2 s/.test(error.message),
  );
  await clock.advance(2000);
  await checked;
  assert.equal(given?.aborted, true);
});

test("the end of the whole ends it, too, also one that has come before", async () => {
  const ending = new AbortController();
  const wait = (): Promise<never> => new Promise(() => undefined);
  const hanging = withTimeLimit({ limitMs: 2000, clock: new FakeClock(), signal: ending.signal }, wait);
  const checked = assert.rejects(hanging, /over/);
  ending.abort(new Error("over"));
  await checked;
  await assert.rejects(withTimeLimit({ limitMs: 2000, clock: new FakeClock(), signal: ending.signal }, wait), /over/);
});
