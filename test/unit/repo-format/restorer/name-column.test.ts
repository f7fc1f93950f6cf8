import assert from "node:assert/strict";
import { test } from "node:test";
import { NameColumn } from "../../../../repo-format/restorer/name-column.ts";

test("names come back as raw bytes, also empty and long ones", () => {
  const column = new NameColumn();
  const names = Array.from({ length: 500 }, (_, row) => (row % 7 === 0 ? "" : `\xff\x01${"n".repeat(row)}`));
  for (const name of names) column.push(name);
  assert.equal(column.length, 500);
  for (const [row, name] of names.entries()) {
    assert.equal(column.get(row), name);
    assert.deepEqual(column.bytes(row), Buffer.from(name, "latin1"));
  }
});
