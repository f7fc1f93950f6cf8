import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkQueue } from "../../../../src/kube/work-queue.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const never = new AbortController().signal;
const backoff = { firstMs: 100, factor: 2, maxMs: 1000, jitter: 0 };

test("a name that waits already is not added again, and names come in the order of their arrival", async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  for (const name of ["a", "b", "a"]) queue.add(name);
  assert.equal(queue.length, 2);
  assert.equal(await queue.take(never), "a");
  assert.equal(await queue.take(never), "b");
});

test("a name that is added while in work comes back when that work is done, and not before", async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  queue.add("a");
  await queue.take(never);
  queue.add("a");
  queue.add("a");
  assert.equal(queue.length, 0);
  queue.done("a");
  assert.equal(queue.length, 1);
});

test("every waiting taker gets a name as soon as there is one", async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  const takers = [queue.take(never), queue.take(never)];
  queue.add("a");
  queue.add("b");
  assert.deepEqual((await Promise.all(takers)).sort(), ["a", "b"]);
});

test("take ends with undefined when the signal fires", async () => {
  const queue = new WorkQueue({ clock: new FakeClock() });
  const controller = new AbortController();
  const taker = queue.take(controller.signal);
  controller.abort();
  assert.equal(await taker, undefined);
});

test("of two delays for one name the earlier wins, and adding it at once cancels the delay", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter("a", 5000);
  queue.addAfter("a", 1000);
  queue.addAfter("a", 9000);
  await clock.advance(1000);
  assert.equal(queue.length, 1);
  assert.equal(clock.pending, 0);
  queue.addAfter("b", 1000);
  queue.add("b");
  assert.equal(clock.pending, 0);
});

test("failures of a name make its delay grow until it is forgotten", async () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock, backoff });
  assert.deepEqual(
    [1, 2, 3].map(() => queue.addAfterFailure("a")),
    [100, 200, 400],
  );
  queue.forget("a");
  assert.equal(queue.addAfterFailure("a"), 100);
  assert.equal(queue.failuresOf("a"), 1);
});

test("close leaves no timer behind", () => {
  const clock = new FakeClock();
  const queue = new WorkQueue({ clock });
  queue.addAfter("a", 5000);
  queue.close();
  assert.equal(clock.pending, 0);
});
