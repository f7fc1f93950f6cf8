import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AccountNames } from "../../../../repo-format/file-tree/account-names.ts";
import { applyMetadata } from "../../../../repo-format/file-tree/apply-metadata.ts";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { statNode } from "../../../../repo-format/file-tree/node-metadata.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { emptyNode, type Node, type NodeType } from "../../../../repo-format/format/node.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const name = Buffer.from("entry");
const isRoot = process.geteuid?.() === 0;
const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

function openTemporary(scope: Scope): { path: string; handle: DirectoryHandle; entry: string } {
  const path = temporaryDirectory(scope);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return { path, handle, entry: join(path, "entry") };
}

function nodeWith(type: NodeType, fields: Partial<Node>): Node {
  return { ...emptyNode(name, type), mtime: "2001-02-03T04:05:06.000000007Z", ...owner, ...fields };
}

test("owner, times and mode are set exactly, setuid too", (t) => {
  const { handle, entry } = openTemporary(t);
  writeFileSync(entry, "x");
  const ids = isRoot ? { uid: 12_345, gid: 4_294_967_294 } : owner;
  const mode = 0x0080_0000 + 0x0010_0000 + 0o754;
  const node = nodeWith("file", { mode, atime: "1950-01-01T00:00:00.5Z", ...ids });
  assert.deepEqual(applyMetadata(handle, name, node, { isRoot }), []);
  const restored = statNode(handle, name, { withAtime: true });
  assert.equal(restored.mode, mode);
  assert.equal(restored.mtime, node.mtime);
  assert.equal(restored.atime, node.atime);
  assert.deepEqual([restored.uid, restored.gid], [ids.uid, ids.gid]);
});

test("a link gets its own times and no mode, and what it points to stays as it is", (t) => {
  const { path, handle, entry } = openTemporary(t);
  writeFileSync(join(path, "file"), "");
  const before = lstatSync(join(path, "file"), { bigint: true });
  symlinkSync("file", entry);
  const node = nodeWith("symlink", { mode: 0x0800_0000 + 0o777, atime: "2001-02-03T04:05:06.000000007Z" });
  assert.deepEqual(applyMetadata(handle, name, node, { isRoot }), []);
  assert.equal(statNode(handle, name).mtime, node.mtime);
  const after = lstatSync(join(path, "file"), { bigint: true });
  assert.deepEqual([after.mtimeNs, after.mode, after.uid], [before.mtimeNs, before.mode, before.uid]);
});

test("attributes that the node has are set, all others are removed, as far as they are selected", (t) => {
  const { handle, entry } = openTemporary(t);
  writeFileSync(entry, "");
  const path = Buffer.from(entry);
  try {
    systemCalls.lsetxattr(path, "user.old", Buffer.from("old"));
    systemCalls.lsetxattr(path, "user.hidden", Buffer.from("h"));
  } catch {
    return t.skip("the temporary directory keeps no attributes");
  }
  const node = nodeWith("file", {
    mode: 0o600,
    extendedAttributes: [
      { name: "user.new", value: Buffer.from([1, 0, 2]) },
      { name: "user.none", value: null },
      { name: "user.unwanted", value: Buffer.from("u") },
    ],
  });
  const selectAttribute = (attribute: string): boolean => !["user.hidden", "user.unwanted"].includes(attribute);
  assert.deepEqual(applyMetadata(handle, name, node, { isRoot, selectAttribute }), []);
  const restored = new Map(statNode(handle, name).extendedAttributes.map((one) => [one.name, one.value]));
  assert.deepEqual([...restored.keys()].sort(), ["user.hidden", "user.new", "user.none"]);
  assert.deepEqual(restored.get("user.new"), Buffer.from([1, 0, 2]));
  assert.equal(restored.get("user.none")?.length, 0);
});

test("an attribute that the file system cannot keep is a warning, and everything after it is still set", (t) => {
  const { handle, entry } = openTemporary(t);
  writeFileSync(entry, "");
  const attribute = { name: "no-such-class.a", value: Buffer.from("x") };
  const node = nodeWith("file", { mode: 0o640, extendedAttributes: [attribute] });
  const problems = applyMetadata(handle, name, node, { isRoot });
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.step, "attribute");
  assert.equal(problems[0]?.isError, false);
  assert.match(problems[0]?.message ?? "", /"no-such-class\.a"/);
  const restored = statNode(handle, name);
  assert.deepEqual([restored.mtime, restored.mode], [node.mtime, 0o640]);
});

test("every step is tried, and each failure is reported", (t) => {
  const { handle } = openTemporary(t);
  const problems = applyMetadata(handle, name, nodeWith("file", { mode: 0o600 }), { isRoot });
  assert.deepEqual(
    problems.map((problem) => problem.step),
    ["owner", "attribute", "times", "mode"],
  );
  assert.ok(problems.every((problem) => problem.isError && /ENOENT/.test(problem.message)));
});

test("owners are looked up by name where that is wanted and the name is known", { skip: !isRoot }, (t) => {
  const { path, handle, entry } = openTemporary(t);
  mkdirSync(entry);
  chmodSync(path, 0o700);
  const accounts = new AccountNames("app:x:777:0::/:\n", "team:x:888:\n");
  const known = nodeWith("dir", { mode: 0x8000_0000 + 0o700, uid: 5, gid: 6, user: "app", group: "team" });
  applyMetadata(handle, name, known, { isRoot, ownershipByName: accounts });
  assert.deepEqual([lstatSync(entry).uid, lstatSync(entry).gid], [777, 888]);
  applyMetadata(handle, name, { ...known, user: "unknown", group: "" }, { isRoot, ownershipByName: accounts });
  assert.deepEqual([lstatSync(entry).uid, lstatSync(entry).gid], [5, 6]);
});
