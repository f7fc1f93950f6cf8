import assert from "node:assert/strict";
import { test } from "node:test";
import { isDamagedParent, type ParentTree, ParentTrees } from "../../../../repo-format/archiver/parent-tree.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import type { BlobId, TreeId } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import type { Repository } from "../../../../repo-format/repository/repository.ts";
import { createTestRepository, storeBlobs } from "../../../support/memory-repository.ts";

async function stored(tree: Buffer): Promise<{ repo: Repository; id: TreeId }> {
  const repo = await createTestRepository();
  const [id] = await storeBlobs(repo, "tree", [tree]);
  return { repo, id: id! };
}

async function opened(tree: Buffer): Promise<ParentTree> {
  const { repo, id } = await stored(tree);
  return new ParentTrees(repo).open(id);
}

const fifos = (names: readonly string[]): Node[] => names.map((name) => emptyNode(Buffer.from(name), "fifo"));

function found(tree: ParentTree, names: readonly string[]): (string | undefined)[] {
  return names.map((name) => tree.find(name)?.name.toString());
}

test("names are found in the order of their bytes, others are passed over", async () => {
  const tree = await opened(encodeTree(fifos(["a", "c", "e", "é"])));
  const raw = Buffer.from("é").toString("latin1");
  const expected = ["a", undefined, "c", undefined, undefined, "é", undefined];
  assert.deepEqual(found(tree, ["a", "b", "c", "d", "f", raw, "\u00ff"]), expected);
});

test("a large tree is read to its end", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `n${String(index).padStart(5, "0")}`);
  const tree = await opened(encodeTree(fifos(names)));
  assert.deepEqual(found(tree, ["n00000", "n00500", "n00999", "n01000"]), ["n00000", "n00500", "n00999", undefined]);
});

test("a tree that is missing or broken is told apart from a store that fails", async () => {
  const { repo, id } = await stored(Buffer.from('{"nodes":[{"name":"a","type":"fifo"},{broken'));
  const trees = new ParentTrees(repo);
  await assert.rejects(trees.open("ab".repeat(32) as BlobId), isDamagedParent);
  const tree = await trees.open(id);
  assert.throws(() => tree.find("z"), isDamagedParent);
  assert.equal(isDamagedParent(new RepositoryError("storage-unavailable", "no answer")), false);
});
