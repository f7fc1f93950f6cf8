import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { displayTime, parseSnapshotTime } from "../../../../../src/cli/repo/snapshot-time.ts";

describe("parseSnapshotTime", () => {
  it("reads local time and keeps it when shown again", () => {
    assert.equal(displayTime(parseSnapshotTime("2026-03-31 12:34:56")), "2026-03-31 12:34:56");
    assert.equal(displayTime(parseSnapshotTime("2026-03-31")), "2026-03-31 00:00:00");
  });

  it("refuses days that do not exist and other forms", () => {
    for (const text of ["2026-02-30", "now", "31.3.2026", "2026-13-01 00:00:00"])
      assert.throws(() => parseSnapshotTime(text), /write it like/);
  });
});
