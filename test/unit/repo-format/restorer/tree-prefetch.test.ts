import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobHandle } from "../../../../repo-format/format/blob.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { TreePrefetch, type TreeSource } from "../../../../repo-format/restorer/tree-prefetch.ts";

const ids = Array.from({ length: 200 }, (_, number) => number.toString(16).padStart(64, "0") as BlobId);

/** Counts what is asked of the repository; `lengths` are those of trees that are not 1000 bytes long. */
function source(lengths: Readonly<Record<string, number>> = {}) {
  const groups: BlobId[][] = [];
  const repo = {
    loadTree: async (id: BlobId) => Buffer.from(id),
    prefetchTrees: async (group: Iterable<BlobId>) => void groups.push([...group]),
    index: {
      lookup: ({ id }: BlobHandle) => {
        const length = lengths[id] ?? 1000;
        return length === 0 ? [] : [{ length: length / 2, uncompressedLength: length }];
      },
    },
  } as unknown as TreeSource;
  return { repo, groups };
}

/** Takes all trees in their order, as a walk does. */
async function walk(trees: TreePrefetch, order: readonly BlobId[]): Promise<void> {
  for (const [index, id] of order.entries()) {
    trees.expect((count) => order.slice(index, index + count));
    assert.equal(String(await trees.take(id)), id);
  }
}

test("trees are asked for in groups, each tree once", async () => {
  const { repo, groups } = source();
  await walk(new TreePrefetch(repo, undefined), ids);
  assert.deepEqual(groups.flat(), ids);
  assert.ok(groups.length <= 5, `${groups.length} groups`);
});

test("a group is bounded by bytes; large and unknown trees are left to whoever takes them", async () => {
  const megabyte = 1024 * 1024;
  const { repo, groups } = source({
    ...Object.fromEntries(ids.map((id) => [id, megabyte])),
    [ids[1] as BlobId]: 5 * megabyte,
    [ids[2] as BlobId]: 0,
  });
  const trees = new TreePrefetch(repo, undefined);
  trees.expect((count) => ids.slice(0, count));
  assert.deepEqual(groups, [[ids[0], ...ids.slice(3, 7)]]);
  await walk(trees, ids.slice(0, 10));
});

test("a tree that cannot be read ahead is an error when it is taken, not before", async () => {
  const failing = { ...source().repo, prefetchTrees: () => Promise.reject(new Error("first")) };
  const trees = new TreePrefetch({ ...failing, loadTree: () => Promise.reject(new Error("gone")) }, undefined);
  trees.expect((count) => ids.slice(0, count));
  await assert.rejects(trees.take(ids[0] as BlobId), /gone/);
});
