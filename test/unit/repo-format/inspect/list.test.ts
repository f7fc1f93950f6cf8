import assert from "node:assert/strict";
import { test } from "node:test";
import { list, listKinds } from "../../../../repo-format/inspect/list.ts";
import { createTestRepository, storeSnapshot } from "../../../support/memory-repository.ts";
import { storeSampleTree } from "../../../support/sample-trees.ts";

test("list names the files of every kind, and all blobs with their types", async () => {
  const repo = await createTestRepository();
  const snapshot = await storeSnapshot(repo, await storeSampleTree(repo));
  const listed: Record<string, string[]> = {};
  for (const kind of listKinds) {
    listed[kind] = [];
    for await (const line of list(repo, kind)) listed[kind].push(line);
  }
  assert.deepEqual(listed.snapshots, [snapshot]);
  assert.deepEqual(listed.keys, [repo.keyId]);
  assert.deepEqual(listed.locks, []);
  assert.ok((listed.packs?.length ?? 0) >= 2 && (listed.index?.length ?? 0) >= 1);
  const types = listed.blobs?.map((line) => line.split(" ")[0]);
  assert.deepEqual(types?.toSorted(), ["data", "data", "data", "data", "tree", "tree", "tree", "tree"]);
});
