import assert from "node:assert/strict";
import test from "node:test";
import { workWithin } from "../../../../agent/data-path/memory-limit.ts";

const mebibyte = 1024 * 1024;

test("workWithin() leaves the numbers to the machine where nobody has set a limit", () => {
  for (const limit of [undefined, 0, 2 ** 63 - 4096, 2 ** 64])
    assert.deepEqual(workWithin(limit), { threads: undefined, connections: undefined });
});

test("workWithin() fits the threads into the limit, and has at least one", () => {
  const fitting = [64, 256, 340, 512, 1024].map((limit) => workWithin(limit * mebibyte).threads);
  assert.deepEqual(fitting, [1, 1, 2, 4, 10]);
});

test("workWithin() lets few packs wait for a store where memory is short", () => {
  const fitting = [128, 256, 383, 384, 1024].map((limit) => workWithin(limit * mebibyte).connections);
  assert.deepEqual(fitting, [2, 2, 2, undefined, undefined]);
});
