import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { type ExtendedAttribute, emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { isSameContent, isSameNode } from "../../../../repo-format/format/same-node.ts";

const [first, second] = ["aa", "bb"].map((byte) => byte.repeat(32) as BlobId) as [BlobId, BlobId];

function file(fields: Partial<Node> = {}): Node {
  return {
    ...emptyNode(Buffer.from("file"), "file"),
    mtime: "2024-05-01T10:00:00.5Z",
    ctime: "2024-05-02T10:00:00Z",
    inode: 7n,
    size: 12,
    content: [first],
    ...fields,
  };
}

test("nodes are the same only when every field is", () => {
  assert.ok(isSameNode(file(), file()));
  const changes: Partial<Node>[] = [
    { mode: 1 },
    { uid: 1 },
    { gid: 1 },
    { user: "u" },
    { group: "g" },
    { links: 2 },
    { deviceId: 3n },
    { content: [second] },
    { content: [] },
    { linkTarget: Buffer.from("x") },
    { type: "fifo" },
    { genericAttributes: Buffer.from("{}") },
    { extendedAttributes: [{ name: "user.a", value: Buffer.from("1") }] },
    { subtree: "cc".repeat(32) as BlobId },
    { atime: "2024-01-01T00:00:00Z" },
  ];
  for (const change of changes) assert.ok(!isSameNode(file(), file(change)), JSON.stringify(Object.keys(change)));
  const attributes = (value: string): Partial<Node> => ({
    extendedAttributes: [{ name: "user.a", value: Buffer.from(value) }],
  });
  assert.ok(isSameNode(file(attributes("1")), file(attributes("1"))));
  assert.ok(!isSameNode(file(attributes("1")), file(attributes("2"))));
});

test("the order of extended attributes is no difference, their names and values are", () => {
  const attributes = (...names: string[]): Partial<Node> => ({
    extendedAttributes: names.map((name): ExtendedAttribute => ({ name, value: Buffer.from(name) })),
  });
  assert.ok(isSameNode(file(attributes("a", "b")), file(attributes("b", "a"))));
  assert.ok(!isSameNode(file(attributes("a", "b")), file(attributes("b", "c"))));
  assert.ok(!isSameNode(file(attributes("a")), file(attributes("a", "b"))));
});

test("the same instant in another zone is the same time", () => {
  assert.ok(isSameNode(file({ mtime: "2024-05-01T12:00:00.5+02:00" }), file()));
});

test("content is the same blob by blob; none at all is not an empty one", () => {
  assert.ok(isSameContent({ content: [first, second] }, { content: [first, second] }));
  assert.ok(isSameContent({ content: undefined }, { content: undefined }));
  for (const other of [[second, first], [first], [], undefined])
    assert.ok(!isSameContent({ content: [first, second] }, { content: other }));
  assert.ok(!isSameContent({ content: [] }, { content: undefined }));
});
