import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { DirectoryTable, directoryMark, type Standing } from "../../../../repo-format/restorer/directory-table.ts";

const idOfRow = (row: number): BlobId => row.toString(16).padStart(64, "0") as BlobId;

test("directories come back as they were added, whatever is marked of their neighbours", () => {
  const table = new DirectoryTable();
  const standings: readonly Standing[] = ["absent", "directory", "other"];
  for (let row = 0; row < 300; row++) {
    const name = row === 0 ? "" : `d\xff${row}`;
    const [standing = "absent"] = standings.slice(row % 3);
    const isSelected = row % 2 === 0;
    table.add({ parent: row - 1, name, tree: idOfRow(row), standing, isSelected, childMayBeSelected: row % 5 === 0 });
  }
  table.mark(7, directoryMark.blocked);
  table.mark(7, directoryMark.complete);
  for (let row = 0; row < 300; row++) {
    assert.equal(table.parent(row), row - 1);
    assert.equal(table.name(row), row === 0 ? "" : `d\xff${row}`);
    assert.equal(table.nameBytes(row).toString("latin1"), table.name(row));
    assert.equal(table.tree(row), idOfRow(row));
    assert.equal(table.standing(row), standings[row % 3]);
    assert.equal(table.is(row, directoryMark.selected), row % 2 === 0);
    assert.equal(table.is(row, directoryMark.needed), row % 2 === 0, "what is selected is needed");
    assert.equal(table.is(row, directoryMark.childMayBeSelected), row % 5 === 0);
    assert.equal(table.is(row, directoryMark.blocked), row === 7);
    assert.equal(table.is(row, directoryMark.complete), row === 7);
  }
});

test("what 200,000 directories take does not lie on the heap", () => {
  const before = process.memoryUsage();
  const table = new DirectoryTable();
  for (let row = 0; row < 200_000; row++) {
    table.add({
      parent: row - 1,
      name: "name",
      tree: idOfRow(1),
      standing: "absent",
      isSelected: true,
      childMayBeSelected: true,
    });
  }
  globalThis.gc?.();
  const after = process.memoryUsage();
  assert.equal(table.count, 200_000);
  assert.ok(after.heapUsed - before.heapUsed < 20e6, `${after.heapUsed - before.heapUsed} bytes of heap`);
});
