import assert from "node:assert/strict";
import { test } from "node:test";
import { Column } from "../../../../repo-format/restorer/column.ts";

test("a column keeps what is pushed while it grows", () => {
  const column = new Column((size) => new Float64Array(size));
  for (let index = 0; index < 1000; index++) column.push(index * 1.5);
  assert.equal(column.length, 1000);
  assert.equal(column.get(0), 0);
  assert.equal(column.get(999), 1498.5);
  column.add(999, 1);
  assert.equal(column.get(999), 1499.5);
});

test("many elements at once are kept in their order", () => {
  const column = new Column((size) => new Uint8Array(size));
  column.push(1);
  column.pushAll(new Uint8Array(500).fill(7));
  column.push(2);
  assert.deepEqual([column.get(0), column.get(1), column.get(500), column.get(501)], [1, 7, 7, 2]);
});

test("an element that is not there is a bug, not undefined", () => {
  const column = new Column((size) => new Uint32Array(size));
  assert.throws(() => column.get(0), /bug/);
  assert.throws(() => column.set(0, 1), /bug/);
});
