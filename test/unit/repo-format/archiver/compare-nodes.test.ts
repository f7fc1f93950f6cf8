import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSameAttributes, isUnchangedFile } from "../../../../repo-format/archiver/compare-nodes.ts";
import type { BlobId } from "../../../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { parseTime } from "../../../../repo-format/format/time.ts";

const settledBeforeNs = parseTime("2024-06-01T00:00:00Z").unixNs;
const strict = { ignoreCtime: false, ignoreInode: false, settledBeforeNs };

function file(fields: Partial<Node> = {}): Node {
  return {
    ...emptyNode(Buffer.from("file"), "file"),
    mtime: "2024-05-01T10:00:00.5Z",
    ctime: "2024-05-02T10:00:00Z",
    inode: 7n,
    size: 12,
    content: ["aa".repeat(32) as BlobId],
    ...fields,
  };
}

test("a file is unchanged when size, times and inode are the same, whatever else is", () => {
  assert.ok(isUnchangedFile(file(), file({ content: [], mode: 0o600, uid: 5 }), strict));
  const changes: Partial<Node>[] = [
    { size: 13 },
    { mtime: "2024-05-01T10:00:00.6Z" },
    { inode: 8n },
    { ctime: "2025-01-01T00:00:00Z" },
  ];
  for (const change of changes)
    assert.ok(!isUnchangedFile(file(), file(change), strict), JSON.stringify(Object.keys(change)));
});

test("the same instant in another zone is no change: restic writes the host's zone", () => {
  assert.ok(isUnchangedFile(file({ mtime: "2024-05-01T12:00:00.5+02:00" }), file(), strict));
});

test("ignoring the inode ignores the change time, too; ignoring the change time keeps the inode", () => {
  const copied = file({ inode: 8n, ctime: "2025-01-01T00:00:00Z" });
  assert.ok(isUnchangedFile(file(), copied, { ...strict, ignoreCtime: false, ignoreInode: true }));
  assert.ok(!isUnchangedFile(file(), copied, { ...strict, ignoreCtime: true, ignoreInode: false }));
  assert.ok(
    isUnchangedFile(file(), file({ ctime: copied.ctime }), { ...strict, ignoreCtime: true, ignoreInode: false }),
  );
});

test("what was no file before, or has no content, is read", () => {
  assert.ok(!isUnchangedFile(file({ type: "symlink" }), file(), strict));
  assert.ok(!isUnchangedFile(file({ content: undefined }), file(), strict));
});

test("attributes are taken over while ctime says that nothing was set, and had time to say so", () => {
  const ctimeNs = parseTime(file().ctime).unixNs;
  assert.ok(hasSameAttributes(file(), file({ mode: 0o600 }), ctimeNs, strict));
  for (const change of [
    { ctime: "2024-05-02T10:00:00.000000001Z" },
    { inode: 8n },
    { type: "fifo" },
  ] as Partial<Node>[])
    assert.ok(!hasSameAttributes(file(), file(change), ctimeNs, strict), JSON.stringify(Object.keys(change)));
  assert.ok(!hasSameAttributes(file(), file(), settledBeforeNs, strict));
  assert.ok(!hasSameAttributes(file(), file(), ctimeNs, { ...strict, settledBeforeNs: 0n }));
  assert.ok(!hasSameAttributes(file(), file(), ctimeNs, { ...strict, ignoreCtime: true }));
  assert.ok(!hasSameAttributes(file(), file(), ctimeNs, { ...strict, ignoreInode: true }));
});
