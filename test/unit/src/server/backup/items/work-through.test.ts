import assert from "node:assert/strict";
import { test } from "node:test";
import { workThrough } from "../../../../../../src/server/backup/items/work-through.ts";

const { signal } = new AbortController();

test("everything is done once, so many at a time", async () => {
  const done: number[] = [];
  let running = 0;
  let most = 0;
  await workThrough([1, 2, 3, 4, 5, 6, 7], { atOnce: 3, signal }, async (thing) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    done.push(thing);
  });
  assert.deepEqual([done.toSorted(), most], [[1, 2, 3, 4, 5, 6, 7], 3]);
  await workThrough([], { atOnce: 3, signal }, () => Promise.reject(new Error("never")));
});

test("after a failure nothing is begun, what was begun ends first, and the failure is told", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const failure = new Error("failed");
  const work = async (thing: number): Promise<void> => {
    begun.push(thing);
    if (thing === 1) throw failure;
    await new Promise(setImmediate);
    ended.push(thing);
  };
  await assert.rejects(workThrough([1, 2, 3, 4], { atOnce: 2, signal }, work), (error) => error === failure);
  assert.deepEqual([begun, ended], [[1, 2], [2]]);
});

test("the signal's reason ends it", async () => {
  const reason = new Error("enough");
  const aborted = AbortSignal.abort(reason);
  const never = (): Promise<void> => Promise.reject(new Error("never"));
  await assert.rejects(workThrough([1], { atOnce: 2, signal: aborted }, never), (error) => error === reason);
});
