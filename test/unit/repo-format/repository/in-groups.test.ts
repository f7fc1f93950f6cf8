import assert from "node:assert/strict";
import { test } from "node:test";
import { inGroups } from "../../../../repo-format/repository/in-groups.ts";

test("items come in their order, the last group with what is left", () => {
  assert.deepEqual([...inGroups([1, 2, 3, 4, 5], 2)], [[1, 2], [3, 4], [5]]);
  assert.deepEqual([...inGroups([1, 2], 2)], [[1, 2]]);
  assert.deepEqual([...inGroups([], 2)], []);
});

test("no more items are taken than the group needs", () => {
  let taken = 0;
  function* numbers(): Generator<number> {
    for (;;) yield taken++;
  }
  assert.deepEqual(inGroups(numbers(), 3).next().value, [0, 1, 2]);
  assert.equal(taken, 3);
});
