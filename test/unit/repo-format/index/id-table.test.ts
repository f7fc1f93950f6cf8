import assert from "node:assert/strict";
import { test } from "node:test";
import { IdTable } from "../../../../repo-format/index/id-table.ts";

const idOf = (a: number, b: number): Uint32Array => new Uint32Array([a, b, 0, 0, 0, 0, 0, 0]);

test("IdTable numbers ids in the order in which they come, through growth and collisions", () => {
  const table = new IdTable();
  for (let number = 0; number < 1000; number++) {
    assert.equal(table.find(idOf(number % 7, number)), -1);
    assert.equal(table.add(idOf(number % 7, number)), number);
  }
  for (let number = 0; number < 1000; number++) {
    assert.equal(table.find(idOf(number % 7, number)), number);
    assert.deepEqual(table.idAt(number), idOf(number % 7, number));
  }
  assert.equal(table.count, 1000);
});

test("IdTable.add gives a known id a new number, which stays the answer after growth", () => {
  const table = new IdTable();
  const first = table.add(idOf(1, 1));
  const second = table.add(idOf(1, 1));
  assert.notEqual(first, second);
  assert.equal(table.find(idOf(1, 1)), second);
  for (let number = 0; number < 500; number++) table.add(idOf(2, number));
  assert.equal(table.find(idOf(1, 1)), second);
});
