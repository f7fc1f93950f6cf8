import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isDamagedParent, type ParentTree, ParentTrees } from "../../../../repo-format/archiver/parent-tree.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { type BlobId, idOf } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";

const largeId = "1a".repeat(32);

/** A repository of trees that counts what is loaded. */
function treesOf(...trees: Buffer[]): { trees: ParentTrees; ids: BlobId[]; loaded: BlobId[] } {
  const loaded: BlobId[] = [];
  const byId = new Map(trees.map((tree) => [idOf<BlobId>(tree), tree]));
  const repo = {
    index: {
      lookup: ({ id }: { id: BlobId }) =>
        byId.has(id) ? [{ length: 100, uncompressedLength: id === largeId ? 2e9 : 200 }] : [],
    },
    loadTree: async (id: BlobId) => {
      loaded.push(id);
      const tree = byId.get(id);
      if (tree === undefined) throw new RepositoryError("blob-missing", "the tree is not there");
      return tree;
    },
  } as unknown as ConstructorParameters<typeof ParentTrees>[0];
  return { trees: new ParentTrees(repo), ids: [...byId.keys()], loaded };
}

function directory(name: string, subtree: BlobId): Node {
  return { ...emptyNode(Buffer.from(name), "dir"), subtree };
}

function numbered(count: number): Node[] {
  return Array.from({ length: count }, (_, index) =>
    emptyNode(Buffer.from(`n${String(index).padStart(5, "0")}`), "fifo"),
  );
}

function names(tree: ParentTree, asked: readonly string[]): (string | undefined)[] {
  return asked.map((name) => tree.find(name)?.name.toString());
}

test("names are found in order, others are passed over", async () => {
  const { trees, ids } = treesOf(
    encodeTree(["a", "c", "e", "\u00e9"].map((name) => emptyNode(Buffer.from(name), "fifo"))),
  );
  const tree = await trees.open(ids[0]!);
  const raw = Buffer.from("\u00e9").toString("latin1");
  assert.deepEqual(names(tree, ["a", "b", "c", "d", "f", raw, "z"]), [
    "a",
    undefined,
    "c",
    undefined,
    undefined,
    "\u00e9",
    undefined,
  ]);
});

test("a tree larger than what is read ahead is read to its end", async () => {
  const { trees, ids } = treesOf(encodeTree(numbered(1000)));
  const tree = await trees.open(ids[0]!);
  assert.deepEqual(names(tree, ["n00000", "n00063", "n00064", "n00500", "n00999", "n01000"]), [
    "n00000",
    "n00063",
    "n00064",
    "n00500",
    "n00999",
    undefined,
  ]);
});

test("subtrees that come next are asked for before they are opened, each once, and not too many", async () => {
  const leaves = Array.from({ length: 40 }, (_, index) => encodeTree(numbered(index + 1)));
  const nodes = leaves.map((leaf, index) => directory(`d${String(index).padStart(2, "0")}`, idOf(leaf)));
  const { trees, ids, loaded } = treesOf(encodeTree(nodes), ...leaves);
  const tree = await trees.open(ids[0]!);
  assert.equal(tree.find("d00")?.subtree, ids[1]);
  await nextTurn();
  assert.deepEqual(loaded, ids.slice(0, 17), "the root and sixteen of its subtrees");
  await trees.open(ids[1]!);
  assert.equal(loaded.length, 17, "what was asked for ahead is not loaded again");
  tree.find("d01");
  assert.equal(loaded.length, 18, "a place became free");
});

test("directories that are gone make room for those that are not", async () => {
  const leaves = Array.from({ length: 40 }, (_, index) => encodeTree(numbered(index + 1)));
  const nodes = leaves.map((leaf, index) => directory(`d${String(index).padStart(2, "0")}`, idOf(leaf)));
  const { trees, ids, loaded } = treesOf(encodeTree(nodes), ...leaves);
  const tree = await trees.open(ids[0]!);
  tree.find("d00");
  tree.find("d30");
  await nextTurn();
  assert.ok(loaded.includes(ids[31]!));
  tree.close();
  assert.equal(tree.find("d39"), undefined);
});

test("a tree that is missing or broken is told apart from a store that fails", async () => {
  const { trees, ids } = treesOf(Buffer.from('{"nodes":[{"name":"a","type":"fifo"},{broken'));
  await assert.rejects(trees.open("ab".repeat(32) as BlobId), isDamagedParent);
  const tree = await trees.open(ids[0]!);
  assert.throws(() => tree.find("z"), isDamagedParent);
  assert.equal(isDamagedParent(new RepositoryError("storage-unavailable", "no answer")), false);
});
