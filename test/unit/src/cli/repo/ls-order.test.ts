import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyNode, type Node } from "../../../../../repo-format/format/node.ts";
import { inOrder, parseSortOrder, type SortOrder } from "../../../../../src/cli/repo/ls-order.ts";

const entry = (path: string, fields: Partial<Node>): { path: Buffer; node: Node } => ({
  path: Buffer.from(path),
  node: { ...emptyNode(Buffer.from(path.slice(1)), "file"), ...fields },
});

const listed = [
  entry("/b.log", { size: 5, mtime: "2026-01-01T00:00:00+02:00" }),
  entry("/a.txt", { size: 5, mtime: "2026-01-01T00:00:00Z" }),
  entry("/c.d/none", { size: 10, mtime: "1969-01-01T00:00:00Z" }),
];

const names = (order: SortOrder, isReversed = false): string[] =>
  inOrder(listed, order, isReversed).map(({ path }) => path.toString());

describe("inOrder", () => {
  it("sorts numbers as numbers and times as instants; ties go by path", () => {
    assert.deepEqual(names("size"), ["/a.txt", "/b.log", "/c.d/none"]);
    assert.deepEqual(names("mtime"), ["/c.d/none", "/b.log", "/a.txt"]);
    assert.deepEqual(names("extension"), ["/c.d/none", "/b.log", "/a.txt"]);
  });

  it("keeps the listing's own order for names, or turns any order round", () => {
    assert.deepEqual(names("name"), ["/b.log", "/a.txt", "/c.d/none"]);
    assert.deepEqual(names("name", true), ["/c.d/none", "/a.txt", "/b.log"]);
    assert.deepEqual(names("size", true), ["/c.d/none", "/b.log", "/a.txt"]);
  });
});

describe("parseSortOrder", () => {
  it("knows time as another word for mtime", () => {
    assert.equal(parseSortOrder("time"), "mtime");
    assert.throws(() => parseSortOrder("colour"), /--sort colour/);
  });
});
