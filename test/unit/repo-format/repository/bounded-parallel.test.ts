import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { boundedParallel } from "../../../../repo-format/repository/bounded-parallel.ts";
import { collect } from "../../../support/memory-repository.ts";

test("boundedParallel keeps the order of the items and never runs more than its limit", async () => {
  let running = 0;
  let most = 0;
  const step = async (item: number): Promise<number> => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < (item * 7) % 5; turn++) await nextTurn();
    running--;
    return item * 2;
  };
  const items = Array.from({ length: 30 }, (_, item) => item);
  assert.deepEqual(
    await collect(boundedParallel(items, { limit: 4 }, step)),
    items.map((item) => item * 2),
  );
  assert.equal(most, 4);
});

test("boundedParallel reports a failure in its turn and leaves no failure unhandled", async () => {
  const step = async (item: number): Promise<number> => {
    if (item >= 2) throw new Error(`no ${item}`);
    return item;
  };
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    for await (const result of boundedParallel([0, 1, 2, 3, 4], { limit: 3 }, step)) seen.push(result);
  };
  await assert.rejects(run(), /no 2/);
  assert.deepEqual(seen, [0, 1]);
  await nextTurn();
});

test("boundedParallel begins nothing after a cancel", async () => {
  const controller = new AbortController();
  let begun = 0;
  const step = async (): Promise<void> => {
    if (++begun === 2) controller.abort();
  };
  const run = collect(boundedParallel([1, 2, 3, 4], { limit: 2, signal: controller.signal }, step));
  await assert.rejects(run, { code: "cancelled" });
  assert.equal(begun, 2);
});
