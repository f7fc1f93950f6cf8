import assert from "node:assert/strict";
import { test } from "node:test";
import { parentTagLists, tagList } from "../../../../agent/data-path/backup-volume.ts";

test("tags are stored as key=value, in an order that does not change", () => {
  assert.deepEqual(tagList({ volume: "data", backup: "b" }), ["backup=b", "volume=data"]);
});

test("a parent is looked for by claim, then by pod and volume, then by volume", () => {
  const tags = { ns: "app", pod: "web", volume: "data", "pvc-uid": "u" };
  assert.deepEqual(parentTagLists(tags), [
    ["pvc-uid=u"],
    ["ns=app", "pod=web", "volume=data"],
    ["ns=app", "volume=data"],
  ]);
  assert.deepEqual(parentTagLists({ ns: "app", volume: "data", "pvc-uid": "" }), [["ns=app", "volume=data"]]);
  assert.deepEqual(parentTagLists({}), []);
});
