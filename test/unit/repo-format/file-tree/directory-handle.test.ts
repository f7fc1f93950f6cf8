import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle, isSafeName } from "../../../../repo-format/file-tree/directory-handle.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

function openTemporary(scope: Scope): { path: string; handle: DirectoryHandle } {
  const path = temporaryDirectory(scope);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return { path, handle };
}

const unsafeNames = ["", ".", "..", "a/b", "/", "../x", "a\0b", "\0"];

for (const name of unsafeNames) {
  test(`the name ${JSON.stringify(name)} is refused`, (t) => {
    const { handle } = openTemporary(t);
    assert.throws(() => handle.childPath(Buffer.from(name)), { code: "unsafe-name" });
    assert.throws(() => handle.openChild(Buffer.from(name)), { code: "unsafe-name" });
    assert.equal(isSafeName(Buffer.from(name)), false);
  });
}

for (const name of ["...", ".a", "..a", "a..", " ", "\n", "a\\b"]) {
  test(`the name ${JSON.stringify(name)} is taken`, (t) => {
    const { handle } = openTemporary(t);
    writeFileSync(handle.childPath(Buffer.from(name)), "x");
    assert.equal(isSafeName(Buffer.from(name)), true);
    assert.deepEqual(handle.readNames().map(String), [name]);
  });
}

test("names of any bytes are found and come in the order of their bytes", (t) => {
  const { handle } = openTemporary(t);
  // U+1F600 sorts before U+FF61 as UTF-16, and after it as bytes.
  const names = [
    [0xff, 0xfe],
    [0x80],
    [..."a"].map((c) => c.charCodeAt(0)),
    [...Buffer.from("😀")],
    [...Buffer.from("｡")],
  ];
  for (const name of names) writeFileSync(handle.childPath(Buffer.from(name)), "");
  const sorted = names.map((name) => Buffer.from(name)).sort(Buffer.compare);
  assert.deepEqual(handle.readNames(), sorted);
  assert.deepEqual(
    handle.readLatin1Names().map((name) => Buffer.from(name, "latin1")),
    sorted,
  );
});

test("a child that is a link is not opened, whatever it points to", (t) => {
  const { path, handle } = openTemporary(t);
  mkdirSync(join(path, "real"));
  symlinkSync("real", join(path, "link"));
  writeFileSync(join(path, "file"), "");
  assert.throws(() => handle.openChild(Buffer.from("link")), { code: "ENOTDIR" });
  assert.throws(() => handle.openChild(Buffer.from("file")), { code: "ENOTDIR" });
  handle.openChild(Buffer.from("real")).close();
});

test("children are found in the opened directory after it was moved and replaced by a link", (t) => {
  const { path, handle } = openTemporary(t);
  mkdirSync(join(path, "inside"));
  mkdirSync(join(path, "outside"));
  const inside = handle.openChild(Buffer.from("inside"));
  t.after(() => inside.close());
  renameSync(join(path, "inside"), join(path, "moved"));
  symlinkSync("outside", join(path, "inside"));
  writeFileSync(inside.childPath(Buffer.from("file")), "content");
  assert.equal(readFileSync(join(path, "moved", "file"), "utf8"), "content");
  assert.deepEqual(inside.readNames().map(String), ["file"]);
  assert.throws(() => lstatSync(join(path, "outside", "file")), { code: "ENOENT" });
});

test("a duplicate is the same directory and outlives the first handle", (t) => {
  const { handle } = openTemporary(t);
  const first = handle.duplicate();
  const second = first.duplicate();
  t.after(() => second.close());
  first.close();
  assert.deepEqual(second.identity(), handle.identity());
  writeFileSync(second.childPath(Buffer.from("x")), "");
  assert.deepEqual(handle.readNames().map(String), ["x"]);
});

test("a handle of a descriptor and the path of the directory itself mean the directory", (t) => {
  const { path, handle } = openTemporary(t);
  assert.equal(lstatSync(handle.selfPath()).ino, lstatSync(path).ino);
  assert.deepEqual(DirectoryHandle.ofDescriptor(handle.fd).identity(), handle.identity());
});
