import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nounFirst } from "../../../../../src/cli/cluster/noun-first.ts";

describe("nounFirst", () => {
  it("turns velero's other order around, plurals included", () => {
    assert.deepEqual(nounFirst(["get", "backups", "-o", "wide"]), ["backup", "get", "-o", "wide"]);
    assert.deepEqual(nounFirst(["create", "backup-location", "x"]), ["backup-location", "create", "x"]);
  });

  it("leaves alone what begins with a noun, whatever follows", () => {
    for (const words of [["backup", "get", "restores"], ["backup", "restore"], ["get"], ["get", "pods"]]) {
      assert.deepEqual(nounFirst(words), words);
    }
  });
});
