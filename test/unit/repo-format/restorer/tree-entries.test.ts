import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { encodeTree } from "../../../../repo-format/format/tree.ts";
import { selectEntries } from "../../../../repo-format/restorer/select-entries.ts";
import { namesInTree, treeEntries } from "../../../../repo-format/restorer/tree-entries.ts";

const subtree = "dd".repeat(32) as BlobId;

/** Joins trees of one node each, so that any order and any name is possible. */
function treeOf(nodes: readonly Node[]): Buffer {
  const texts = nodes.map((node) => encodeTree([node]).toString("latin1").slice('{"nodes":['.length, -"]}\n".length));
  return Buffer.from(`{"nodes":[${texts.join(",")}]}\n`, "latin1");
}

function read(
  tree: Buffer,
  options: Partial<Parameters<typeof treeEntries>[1]> = {},
): { names: string[]; refused: string[] } {
  const refused: string[] = [];
  const onRefused = (path: string, reason: string): void => void refused.push(`${path}: ${reason}`);
  const all = { directoryPath: "/d", select: selectEntries({}), onRefused, ...options };
  return { names: [...treeEntries(tree, all)].map(({ name }) => name), refused };
}

test("entries come in the order of the tree, sockets are left out", () => {
  const tree = treeOf([
    emptyNode(Buffer.from("a"), "file"),
    emptyNode(Buffer.from("b"), "socket"),
    { ...emptyNode(Buffer.from([0xff]), "dir"), subtree },
  ]);
  assert.deepEqual(read(tree), { names: ["a", "\xff"], refused: [] });
  assert.deepEqual(namesInTree(tree), new Set(["a", "b", "\xff"]));
});

test("a repeated name is refused in order and out of order, the first one stays", () => {
  const files = (...names: string[]): Node[] => names.map((name) => emptyNode(Buffer.from(name), "file"));
  assert.deepEqual(read(treeOf(files("a", "a", "b"))).names, ["a", "b"]);
  const { names, refused } = read(treeOf(files("m", "z", "a", "m", "a", "q")));
  assert.deepEqual(names, ["m", "z", "a", "q"]);
  assert.deepEqual(
    refused.map((line) => line.slice(0, 4)),
    ["/d/m", "/d/a"],
  );
});

test("a node that is no directory and has a tree is refused", () => {
  const link = { ...emptyNode(Buffer.from("link"), "symlink"), subtree, linkTarget: Buffer.from("x") };
  assert.match(read(treeOf([link])).refused[0] ?? "", /a symlink with entries below it/);
});

test("what is not selected is not seen, but for directories that may hold something", () => {
  const tree = treeOf([
    { ...emptyNode(Buffer.from("a"), "dir"), subtree },
    { ...emptyNode(Buffer.from("b"), "dir"), subtree },
    emptyNode(Buffer.from("c"), "file"),
  ]);
  assert.deepEqual(read(tree, { select: selectEntries({ includes: ["/d/a/x"] }) }).names, ["a"]);
});

test("a tree that ends early gives its entries and then an error", () => {
  const tree = treeOf([emptyNode(Buffer.from("a"), "file"), emptyNode(Buffer.from("b"), "file")]);
  const entries = treeEntries(tree.subarray(0, -20), { directoryPath: "", select: selectEntries({}) });
  assert.equal(entries.next().value?.name, "a");
  assert.throws(() => entries.next(), { code: "tree-malformed" });
});
