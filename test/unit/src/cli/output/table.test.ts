import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatTable } from "../../../../../src/cli/output/table.ts";

describe("formatTable", () => {
  it("aligns columns, spreads cells of several lines and ends with the footer", () => {
    const text = formatTable({
      head: ["ID", "Tags", "Size"],
      rows: [
        ["a1", "x\nlong", "5"],
        ["b", "", "1234"],
      ],
      right: [2],
      footer: "2 snapshots",
    });
    assert.equal(
      text,
      [
        "ID  Tags  Size",
        "--------------",
        "a1  x        5",
        "    long",
        "b         1234",
        "--------------",
        "2 snapshots",
        "",
      ].join("\n"),
    );
  });

  it("shows head and rules without rows", () => {
    assert.equal(formatTable({ head: ["ID"], rows: [] }), "ID\n--\n--\n");
  });
});
