import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatColumns } from "../../../../../src/cli/output/columns.ts";

describe("formatColumns", () => {
  it("writes the head in capitals and aligns all but the last column", () => {
    assert.equal(
      formatColumns(
        ["Name", "Last Backup"],
        [
          ["a", "1h ago"],
          ["nightly", ""],
        ],
      ),
      "NAME      LAST BACKUP\na         1h ago\nnightly\n",
    );
  });

  it("lets nothing in a cell take effect on a terminal, nor break the line", () => {
    assert.equal(formatColumns(["A"], [["x\x1b[2J\ny"]]), "A\nx\\x1b[2J\\x0ay\n");
  });
});
