import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainMetadataTable } from "../../../../repo-format/restorer/plain-metadata-table.ts";

test("rows come back as they were put in, those without metadata as undefined", () => {
  const table = new PlainMetadataTable();
  const rows = Array.from({ length: 200 }, (_, row) =>
    row % 3 === 0
      ? undefined
      : { mode: 0o600 + (row % 5), uid: row % 2, gid: 4_294_967_294, seconds: -62_135_596_800 + row, nanoseconds: row },
  );
  for (const row of rows) table.push(row);
  for (const [number, row] of rows.entries()) {
    assert.equal(table.has(number), row !== undefined);
    assert.deepEqual(table.get(number), row);
  }
});
