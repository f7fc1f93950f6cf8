import assert from "node:assert/strict";
import test from "node:test";
import { threadsWithin } from "../../../../agent/data-path/thread-limit.ts";

const mebibyte = 1024 * 1024;

test("threadsWithin() leaves the number to the cores where nobody has set a limit", () => {
  for (const limit of [undefined, 0, 2 ** 63 - 4096, 2 ** 64]) assert.equal(threadsWithin(limit), undefined);
});

test("threadsWithin() fits the threads into the limit, and has at least one", () => {
  const fitting = [64, 256, 340, 512, 1024].map((limit) => threadsWithin(limit * mebibyte));
  assert.deepEqual(fitting, [1, 1, 2, 4, 10]);
});
