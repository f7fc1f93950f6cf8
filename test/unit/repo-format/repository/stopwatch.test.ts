import assert from "node:assert/strict";
import { test } from "node:test";
import { Stopwatch } from "../../../../repo-format/repository/stopwatch.ts";

test("the time of waits that overlap counts once, failed ones included", async () => {
  let nowMs = 0;
  const stopwatch = new Stopwatch(() => nowMs);
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
  const one = stopwatch.during(first.promise);
  nowMs = 1000;
  const other = stopwatch.during(second.promise);
  nowMs = 3000;
  first.resolve("done");
  assert.equal(await one, "done");
  assert.equal(stopwatch.seconds, 0);
  nowMs = 4000;
  second.reject(new Error("no"));
  await assert.rejects(other, /no/);
  nowMs = 9000;
  await stopwatch.during(Promise.resolve());
  assert.equal(stopwatch.seconds, 4);
});
