import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { ByteBudget } from "../../../../repo-format/workers/byte-budget.ts";

/** Notes in `order` when the claim is granted. */
function claim(budget: ByteBudget, bytes: number, order: string[], name: string): Promise<void> {
  return budget.acquire(bytes).then(() => void order.push(name));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("bytes are given out up to the limit, then in the order of asking", async () => {
  const budget = new ByteBudget(100);
  const order: string[] = [];
  await claim(budget, 60, order, "a");
  const waiting = [claim(budget, 50, order, "b"), claim(budget, 10, order, "c")];
  await turn();
  assert.deepEqual(order, ["a"], "a small claim does not overtake a large one, or that would wait for ever");
  budget.release(60);
  await Promise.all(waiting);
  assert.deepEqual(order, ["a", "b", "c"]);
  assert.equal(budget.usedBytes, 60);
});

test("a claim above the limit is granted when nothing else is taken", async () => {
  const budget = new ByteBudget(100);
  const order: string[] = [];
  await budget.acquire(1);
  const large = claim(budget, 500, order, "large");
  await turn();
  assert.deepEqual(order, []);
  budget.release(1);
  await large;
  assert.equal(budget.peakBytes, 500);
  budget.release(500);
  assert.equal(budget.usedBytes, 0);
});

test("tryAcquire takes nothing while somebody waits", async () => {
  const budget = new ByteBudget(100);
  assert.equal(budget.tryAcquire(80), true);
  const waiting = budget.acquire(50);
  assert.equal(budget.tryAcquire(5), false);
  budget.release(80);
  await waiting;
  assert.equal(budget.tryAcquire(5), true);
});

test("a cancelled claim takes nothing and lets those behind it pass", async () => {
  const budget = new ByteBudget(100);
  const controller = new AbortController();
  const order: string[] = [];
  await budget.acquire(60);
  const cancelled = budget.acquire(70, controller.signal);
  const behind = claim(budget, 30, order, "behind");
  controller.abort();
  await assert.rejects(cancelled, (error) => RepositoryError.is(error, "cancelled"));
  await behind;
  assert.equal(budget.usedBytes, 90);
  await assert.rejects(budget.acquire(1, controller.signal), (error) => RepositoryError.is(error, "cancelled"));
});

test("releasing more than was taken is a bug that shows", () => {
  const budget = new ByteBudget(100);
  assert.throws(() => budget.release(1), /bug/);
});
