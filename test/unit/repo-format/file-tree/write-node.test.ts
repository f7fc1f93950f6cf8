import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import {
  chmodChild,
  createFile,
  makeDirectory,
  makeHardLink,
  makeSpecial,
  makeSymlink,
  makeTarget,
  openForWriting,
  reserve,
  truncate,
  writeAt,
} from "../../../../repo-format/file-tree/write-node.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const name = Buffer.from("entry");

function openTemporary(scope: Scope): { path: string; handle: DirectoryHandle; entry: string } {
  const path = temporaryDirectory(scope);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return { path, handle, entry: join(path, "entry") };
}

test("a new file is private and is never one that is there", (t) => {
  const { path, handle, entry } = openTemporary(t);
  closeSync(createFile(handle, name));
  assert.equal(lstatSync(entry).mode & 0o7777, 0o600);
  assert.throws(() => createFile(handle, name), { code: "EEXIST" });
  symlinkSync(join(path, "elsewhere"), join(path, "link"));
  assert.throws(() => createFile(handle, Buffer.from("link")), { code: "EEXIST" });
  assert.throws(() => lstatSync(join(path, "elsewhere")), { code: "ENOENT" });
});

test("an existing file is opened, also one that its mode protects, and nothing else is", (t) => {
  const { path, handle, entry } = openTemporary(t);
  writeFileSync(entry, "old");
  chmodSync(entry, 0o400);
  const fd = openForWriting(handle, name);
  writeAt(fd, Buffer.from("new"), 0);
  closeSync(fd);
  assert.equal(readFileSync(entry, "utf8"), "new");
  symlinkSync("entry", join(path, "link"));
  assert.throws(() => openForWriting(handle, Buffer.from("link")), { code: "ELOOP" });
  makeSpecial(handle, Buffer.from("fifo"), 0o010000, 0n);
  assert.throws(() => openForWriting(handle, Buffer.from("fifo")), { code: "target-unwritable" });
});

test("a sparse file is a hole in which zeros are not written, with the bytes it should have", (t) => {
  const { handle, entry } = openTemporary(t);
  const fd = createFile(handle, name);
  const bytes = Buffer.concat([Buffer.alloc(100_000), Buffer.from("middle"), Buffer.alloc(200_000)]);
  reserve(fd, 1_000_000, { sparse: true });
  writeAt(fd, bytes, 300_000, { sparse: true });
  closeSync(fd);
  const expected = Buffer.alloc(1_000_000);
  bytes.copy(expected, 300_000);
  assert.ok(readFileSync(entry).equals(expected));
  assert.ok(lstatSync(entry).blocks * 512 < 100_000);
});

test("room is reserved for a file that is not sparse, and a file can be cut", (t) => {
  const { handle, entry } = openTemporary(t);
  const fd = createFile(handle, name);
  reserve(fd, 0, { sparse: false });
  reserve(fd, 50_000, { sparse: false });
  writeAt(fd, Buffer.from("x"), 49_999);
  assert.equal(lstatSync(entry).size, 50_000);
  truncate(fd, 10);
  assert.equal(lstatSync(entry).size, 10);
  closeSync(fd);
});

test("directories are private, links keep any bytes, names of a file share its inode", (t) => {
  const { path, handle, entry } = openTemporary(t);
  makeDirectory(handle, Buffer.from("directory"));
  assert.equal(lstatSync(join(path, "directory")).mode & 0o7777, 0o700);
  const target = Buffer.from([0x2f, 0xff, 0x0a]);
  makeSymlink(handle, name, target);
  assert.deepEqual(readlinkSync(entry, { encoding: "buffer" }), target);
  const below = handle.openChild(Buffer.from("directory"));
  // A name of the link itself, not of what it points to.
  makeHardLink({ directory: handle, name }, below, Buffer.from("other"));
  below.close();
  assert.equal(lstatSync(join(path, "directory", "other")).ino, lstatSync(entry).ino);
});

test("chmod changes the entry and never what a link points to", (t) => {
  const { path, handle, entry } = openTemporary(t);
  writeFileSync(entry, "", { mode: 0o600 });
  chmodChild(handle, name, 0o4751);
  assert.equal(lstatSync(entry).mode & 0o7777, 0o4751);
  mkdirSync(join(path, "directory"), 0o700);
  symlinkSync("directory", join(path, "link"));
  assert.throws(() => chmodChild(handle, Buffer.from("link"), 0o777), { code: /ENOTSUP|EOPNOTSUPP|ELOOP/ });
  assert.equal(statSync(join(path, "directory")).mode & 0o7777, 0o700);
  chmodChild(handle, Buffer.from("directory"), 0o1777);
  assert.equal(statSync(join(path, "directory")).mode & 0o7777, 0o1777);
});

test("chmod reaches a file with several names and no rights", (t) => {
  const { path, handle, entry } = openTemporary(t);
  writeFileSync(entry, "");
  linkSync(entry, join(path, "other"));
  chmodChild(handle, name, 0);
  chmodChild(handle, name, 0o640);
  assert.equal(lstatSync(join(path, "other")).mode & 0o7777, 0o640);
});

test("a target is made with everything above it", (t) => {
  const { path } = openTemporary(t);
  makeTarget(join(path, "a", "b", "c"));
  makeTarget(join(path, "a", "b", "c"));
  assert.ok(lstatSync(join(path, "a", "b", "c")).isDirectory());
});

test("a target that cannot be made is an error: below /proc, below a file, below a link to nothing", (t) => {
  const { path } = openTemporary(t);
  // Node's own recursive mkdir never returns from this.
  assert.throws(() => makeTarget("/proc/no-such-process/target"), { code: "ENOENT" });
  writeFileSync(join(path, "file"), "");
  symlinkSync("nowhere", join(path, "link"));
  assert.throws(() => makeTarget(join(path, "file", "target")), { code: "ENOTDIR" });
  assert.throws(() => makeTarget(join(path, "link", "target")), { code: "ENOENT" });
});
