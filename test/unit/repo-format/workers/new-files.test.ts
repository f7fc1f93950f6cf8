import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { NewFileMaker, newFilesOf } from "../../../../repo-format/workers/new-files.ts";
import { aclForAnotherUser } from "../../../support/access-list.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const metadata = { ...owner, mode: 0o4751, seconds: 1_577_934_245, nanoseconds: 6 };

function makerFor(scope: Scope, names: readonly string[]): { maker: NewFileMaker; path: string } {
  const path = temporaryDirectory(scope);
  const directory = DirectoryHandle.openRoot(path);
  scope.after(() => directory.close());
  const files = names.map((name) => ({ directory: directory.fd, name, metadata }));
  return { maker: new NewFileMaker(newFilesOf(files, { isRoot: owner.uid === 0, isIdentified: true })), path };
}

test("a file is made with its bytes, mode and time, and nothing stays open", (t) => {
  const { maker, path } = makerFor(t, ["a", "n\xc3\xa4me", "empty"]);
  const open = readdirSync("/proc/self/fd").length;
  for (const [file, bytes] of ["one", "two", ""].entries()) {
    assert.deepEqual(maker.make(file, Buffer.from(bytes)), { isFinished: true, problems: [] });
  }
  assert.equal(readdirSync("/proc/self/fd").length, open);
  assert.deepEqual(readdirSync(path).sort(), ["a", "empty", "näme"]);
  for (const name of readdirSync(path)) {
    const stat = lstatSync(join(path, name), { bigint: true });
    assert.equal(stat.mode & 0o7777n, 0o4751n);
    assert.equal(stat.mtimeNs, 1_577_934_245_000_000_006n);
    assert.equal(stat.atimeNs, stat.mtimeNs);
  }
  assert.equal(readFileSync(join(path, "näme"), "utf8"), "two");
});

test("what stands in the place of a file is neither changed nor followed", (t) => {
  const { maker, path } = makerFor(t, ["link", "file", "directory"]);
  symlinkSync(join(path, "outside"), join(path, "link"));
  writeFileSync(join(path, "file"), "was here");
  mkdirSync(join(path, "directory"));
  for (const file of [0, 1, 2]) {
    assert.throws(() => maker.make(file, Buffer.from("new")), { code: "EEXIST" });
    assert.equal(maker.isMade, false);
  }
  assert.equal(existsSync(join(path, "outside")), false);
  assert.equal(readFileSync(join(path, "file"), "utf8"), "was here");
});

test("a name that leads out of the directory is refused", (t) => {
  const { maker } = makerFor(t, ["../escaped", "..", "a\0b", ""]);
  for (const file of [0, 1, 2, 3]) assert.throws(() => maker.make(file, Buffer.alloc(1)), { code: "unsafe-name" });
});

test("a file that inherits attributes from its directory is left to somebody who removes them", (t) => {
  const { maker, path } = makerFor(t, ["file"]);
  try {
    systemCalls.lsetxattr(Buffer.from(path), "system.posix_acl_default", aclForAnotherUser);
  } catch {
    return t.skip("default access lists cannot be set here");
  }
  assert.deepEqual(maker.make(0, Buffer.from("x")), { isFinished: false, problems: [] });
  assert.equal(readFileSync(join(path, "file"), "utf8"), "x");
});
