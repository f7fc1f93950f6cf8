import assert from "node:assert/strict";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ArchiveDirectory } from "../../../../repo-format/archiver/archive-directory.ts";
import { SourceDirectory } from "../../../../repo-format/archiver/source-directory.ts";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { emptyNode, type Node } from "../../../../repo-format/format/node.ts";
import { decodeTree, encodeTree } from "../../../../repo-format/format/tree.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const node = (name: string): Node => emptyNode(Buffer.from(name), "fifo");

function directoryOf(
  names: string[] = [],
  source?: SourceDirectory,
): { directory: ArchiveDirectory; meter: { waiting: number } } {
  const meter = { waiting: 0 };
  return { directory: new ArchiveDirectory({ path: "/d", names, source }, meter), meter };
}

function namesIn(tree: Buffer | undefined): string[] {
  return decodeTree(tree ?? Buffer.alloc(0)).nodes.map((each) => each.name.toString());
}

test("entries keep their order, whenever they are done", () => {
  const { directory, meter } = directoryOf();
  directory.append(node("a"));
  const b = directory.reserve();
  directory.append(node("c"));
  const d = directory.reserve();
  directory.endList();
  assert.equal(directory.advance(), undefined);
  assert.equal(meter.waiting, 3);
  Object.assign(d, { node: node("d"), isOpen: false });
  assert.equal(directory.advance(), undefined);
  Object.assign(b, { node: node("b"), isOpen: false });
  assert.deepEqual(namesIn(directory.advance()), ["a", "b", "c", "d"]);
  assert.deepEqual([meter.waiting, directory.entryCount], [0, 4]);
});

test("an entry that came to nothing leaves no trace", () => {
  const { directory } = directoryOf();
  const place = directory.reserve();
  directory.append(node("b"));
  directory.endList();
  place.isOpen = false;
  assert.deepEqual(namesIn(directory.advance()), ["b"]);
});

test("the tree is finished only when no entries follow", () => {
  const { directory } = directoryOf();
  assert.equal(directory.advance(), undefined);
  directory.endList();
  assert.deepEqual(directory.advance(), encodeTree([]));
});

test("a name that is listed twice comes once", () => {
  const { directory } = directoryOf(["a", "b", "b", "b", "c", "c"]);
  const names: (string | undefined)[] = [];
  for (let count = 0; count < 5; count++) names.push(directory.nextName());
  assert.deepEqual(names, ["a", "b", "c", undefined, undefined]);
});

test("a directory that was closed on the way down is opened again from below, unless it is another one now", (t) => {
  const path = temporaryDirectory(t);
  mkdirSync(join(path, "above", "below"), { recursive: true });
  mkdirSync(join(path, "elsewhere"));
  const above = new SourceDirectory(DirectoryHandle.openRoot(join(path, "above")));
  const below = new SourceDirectory(above.handle.openChild(Buffer.from("below")));
  const { directory } = directoryOf(["below", "next"], above);
  directory.suspend();
  assert.equal(directory.isSuspended, true);
  assert.equal(directory.resume(below), true);
  assert.deepEqual(directory.source?.handle.readLatin1Names(), ["below"]);
  assert.equal(directory.nextName(), "below");
  directory.suspend();
  renameSync(join(path, "above", "below"), join(path, "elsewhere", "below"));
  assert.equal(directory.resume(below), false);
  assert.equal(directory.nextName(), undefined, "the rest of a directory that was moved is left out");
  below.letGo();
});
