import assert from "node:assert/strict";
import { chmodSync, linkSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AccountNames } from "../../../../repo-format/file-tree/account-names.ts";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import {
  nodeTypeOf,
  type StatNodeOptions,
  statChild,
  statNode,
  statNodeOfPath,
} from "../../../../repo-format/file-tree/node-metadata.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import type { Node } from "../../../../repo-format/format/node.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

function directoryWith(scope: Scope, build: (path: string) => void): (name: string, options?: StatNodeOptions) => Node {
  const path = temporaryDirectory(scope);
  build(path);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return (name, options) => statNode(handle, Buffer.from(name), options);
}

test("a file has size, links, inode and exact times, and its access time only on demand", (t) => {
  const node = directoryWith(t, (path) => {
    writeFileSync(join(path, "file"), "12345");
    chmodSync(join(path, "file"), 0o4751);
    systemCalls.utimensat(Buffer.from(join(path, "file")), 1_000_000_001n, -1n);
  });
  const file = node("file");
  assert.equal(file.type, "file");
  assert.equal(file.size, 5);
  assert.equal(file.links, 1);
  assert.equal(file.deviceId, 0n);
  assert.equal(file.mode, 0x0080_0000 + 0o751);
  assert.equal(file.mtime, "1969-12-31T23:59:59.999999999Z");
  assert.equal(file.atime, file.mtime);
  assert.equal(node("file", { withAtime: true }).atime, "1970-01-01T00:00:01.000000001Z");
  assert.deepEqual(file.content, []);
  assert.equal(file.user, "");
});

test("only a file with several names keeps its device, which finds the others", (t) => {
  const node = directoryWith(t, (path) => {
    writeFileSync(join(path, "a"), "");
    linkSync(join(path, "a"), join(path, "b"));
    mkdirSync(join(path, "directory"));
  });
  assert.equal(node("a").links, 2);
  assert.notEqual(node("a").deviceId, 0n);
  assert.equal(node("a").deviceId, node("b").deviceId);
  assert.equal(node("a").inode, node("b").inode);
  assert.equal(node("directory").deviceId, 0n);
});

test("directory, link and FIFO have the fields of their type and no others", (t) => {
  const node = directoryWith(t, (path) => {
    mkdirSync(join(path, "directory"), 0o755);
    symlinkSync(Buffer.from([0x2e, 0x2f, 0xff]), join(path, "link"));
    systemCalls.mknod(Buffer.from(join(path, "fifo")), 0o010640, 0n);
    chmodSync(join(path, "fifo"), 0o640);
  });
  const directory = node("directory");
  assert.deepEqual([directory.type, directory.size, directory.links, directory.content], ["dir", 0, 0, undefined]);
  assert.equal(directory.mode, 2_147_484_141);
  const link = node("link");
  assert.deepEqual([link.type, link.size, link.links, link.mode], ["symlink", 0, 1, 134_218_239]);
  assert.deepEqual(link.linkTarget, Buffer.from([0x2e, 0x2f, 0xff]));
  const fifo = node("fifo");
  assert.deepEqual([fifo.type, fifo.size, fifo.links, fifo.device], ["fifo", 0, 0, 0n]);
  assert.equal(fifo.mode, 0x0200_0000 + 0o640);
});

test("attributes come with their bytes in the order of the kernel", (t) => {
  const path = temporaryDirectory(t);
  const file = Buffer.from(join(path, "file"));
  writeFileSync(file, "");
  try {
    systemCalls.lsetxattr(file, "user.z", Buffer.from([0, 1]));
    systemCalls.lsetxattr(file, "user.a", Buffer.alloc(0));
  } catch {
    return t.skip("the temporary directory keeps no attributes");
  }
  const node = statNodeOfPath(file, Buffer.from("other name"));
  assert.equal(String(node.name), "other name");
  assert.deepEqual(
    node.extendedAttributes.map(({ name }) => name),
    systemCalls.llistxattr(file).map(String),
  );
  assert.deepEqual(node.extendedAttributes.find(({ name }) => name === "user.z")?.value, Buffer.from([0, 1]));
  assert.deepEqual(node.extendedAttributes.find(({ name }) => name === "user.a")?.value, Buffer.alloc(0));
});

test("owners get names where names are looked up", (t) => {
  const node = directoryWith(t, (path) => writeFileSync(join(path, "file"), ""));
  const { uid, gid } = node("file");
  const accounts = new AccountNames(`me:x:${uid}:0::/:\n`, `us:x:${gid}:\n`);
  assert.equal(node("file", { accounts }).user, "me");
  assert.equal(node("file", { accounts }).group, "us");
});

test("a name that vanished is Node's ENOENT, an unsafe one is refused", (t) => {
  const node = directoryWith(t, () => {});
  assert.throws(() => node("absent"), { code: "ENOENT" });
  assert.throws(() => node(".."), { code: "unsafe-name" });
});

test("the type of a device and of an unknown mode is known without making one", (t) => {
  const path = temporaryDirectory(t);
  const handle = DirectoryHandle.openRoot("/dev");
  t.after(() => handle.close());
  assert.equal(nodeTypeOf(statChild(handle, Buffer.from("null"))), "chardev");
  const device = statNode(handle, Buffer.from("null"));
  assert.equal(device.device, 259n);
  assert.equal(device.links, 1);
  const stat = lstatSync(path, { bigint: true });
  stat.mode = 0o170000n;
  assert.equal(nodeTypeOf(stat), "irregular");
});
