import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { TreePrefetch } from "../../../../repo-format/restorer/tree-prefetch.ts";

const ids = Array.from({ length: 20 }, (_, number) => number.toString(16).padStart(64, "0") as BlobId);

test("trees are asked for ahead, a bounded number at a time and each once", async () => {
  const asked: BlobId[] = [];
  const loadTree = async (id: BlobId): Promise<Buffer> => {
    asked.push(id);
    return Buffer.from(id);
  };
  const trees = new TreePrefetch({ loadTree }, undefined);
  trees.expect(ids);
  assert.equal(asked.length, 8);
  trees.expect(ids);
  assert.equal(asked.length, 8);
  assert.equal(String(await trees.take(ids[0] as BlobId)), ids[0]);
  trees.expect(ids.slice(1));
  assert.equal(asked.length, 9);
  assert.equal(String(await trees.take(ids[19] as BlobId)), ids[19]);
  assert.equal(asked.length, 10);
});

test("a tree that cannot be loaded is an error when it is taken, not before", async () => {
  const trees = new TreePrefetch({ loadTree: () => Promise.reject(new Error("gone")) }, undefined);
  trees.expect(ids.slice(0, 2));
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(trees.take(ids[0] as BlobId), /gone/);
});
