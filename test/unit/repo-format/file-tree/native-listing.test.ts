import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FileStat } from "../../../../repo-format/file-tree/file-stat.ts";
import { createSystemCalls, systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const ways = { natively: systemCalls, "by the fallback": createSystemCalls(false).calls };

const statColumns = [
  ...["dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blocks"],
  ...["atimeNs", "mtimeNs", "ctimeNs"],
] as (keyof FileStat)[];

function assertSameStat(actual: FileStat, expected: FileStat): void {
  for (const column of statColumns) assert.equal(actual[column], expected[column], column);
  assert.deepEqual([actual.isFile(), actual.isDirectory()], [expected.isFile(), expected.isDirectory()]);
}

function openDirectory(scope: Scope, path: string = temporaryDirectory(scope)): { path: string; fd: number } {
  const fd = openSync(path, "r");
  scope.after(() => closeSync(fd));
  return { path, fd };
}

/** Times before 1970, after 2038 and to the nanosecond. */
function writeEntries(path: string): string[] {
  writeFileSync(join(path, "file"), Buffer.alloc(70_000, 1));
  chmodSync(join(path, "file"), 0o4751);
  systemCalls.utimensat(Buffer.from(join(path, "file")), -1_234_567_891_011n, 4_102_444_800_999_999_999n);
  linkSync(join(path, "file"), join(path, "other-name"));
  mkdirSync(join(path, "directory"), 0o700);
  symlinkSync("file", join(path, "link"));
  symlinkSync("nowhere", join(path, "broken-link"));
  return ["file", "other-name", "directory", "link", "broken-link"];
}

for (const [way, calls] of Object.entries(ways)) {
  test(`statAt says ${way} what lstat says, of links themselves, and what fstat says of the open file`, (t) => {
    const { path, fd } = openDirectory(t);
    for (const name of writeEntries(path))
      assertSameStat(calls.statAt(fd, Buffer.from(name)), lstatSync(join(path, name), { bigint: true }));
    assertSameStat(calls.statAt(fd, Buffer.alloc(0)), fstatSync(fd, { bigint: true }));
  });

  test(`statAt knows ${way} the numbers of devices`, (t) => {
    const { fd } = openDirectory(t, "/dev");
    for (const name of ["null", "tty", "."])
      assertSameStat(calls.statAt(fd, Buffer.from(name)), lstatSync(join("/dev", name), { bigint: true }));
  });

  test(`statAt throws ${way} what lstat throws`, (t) => {
    const { fd } = openDirectory(t);
    assert.throws(() => calls.statAt(fd, Buffer.from("absent")), { code: "ENOENT", syscall: "lstat" });
    assert.throws(() => calls.statAt(fd, Buffer.alloc(256, "a")), { code: "ENAMETOOLONG" });
    assert.throws(() => calls.statAt(1_000_000, Buffer.alloc(0)), { code: "EBADF", syscall: "fstat" });
  });

  test(`readDirectory finds ${way} every name, of any bytes and any length, and neither the directory nor the one above`, (t) => {
    const { path, fd } = openDirectory(t);
    const names = [[0xff, 0xfe], [0x0a], [...Buffer.from("...")], [...Buffer.from(".a")], [...Buffer.from("ä😀")]];
    const long = Array.from({ length: 300 }, (_, index) => [...Buffer.from(`${index}`.padStart(255, "x"))]);
    const all = [...names, ...long].map((bytes) => Buffer.from(bytes));
    for (const name of all) writeFileSync(Buffer.concat([Buffer.from(`${path}/`), name]), "");
    assert.deepEqual(calls.readDirectory(fd).sort(), all.map((name) => name.toString("latin1")).sort());
  });

  test(`readDirectory finds ${way} nothing in an empty directory, and refuses what is none`, (t) => {
    const { path, fd } = openDirectory(t);
    assert.deepEqual(calls.readDirectory(fd), []);
    writeFileSync(join(path, "file"), "");
    const file = openDirectory(t, join(path, "file"));
    assert.throws(() => calls.readDirectory(file.fd), { code: "ENOTDIR", syscall: "scandir" });
  });
}

test("a name with a slash or a NUL reaches no other file", (t) => {
  const { path, fd } = openDirectory(t);
  mkdirSync(join(path, "directory"));
  writeFileSync(join(path, "directory", "file"), "");
  for (const name of ["directory/file", "directory\0", "\0"]) {
    assert.throws(() => systemCalls.statAt(fd, Buffer.from(name)), { code: "EINVAL" });
    assert.throws(() => systemCalls.listxattrAt(fd, Buffer.from(name)), { code: "EINVAL" });
  }
});

test("attributes are listed in a directory as they are by a path, of a link its own", (t) => {
  const { path, fd } = openDirectory(t);
  const file = Buffer.from(join(path, "file"));
  writeFileSync(file, "");
  symlinkSync("file", join(path, "link"));
  try {
    systemCalls.lsetxattr(file, "user.one", Buffer.from("1"));
  } catch {
    return t.skip("the temporary directory keeps no attributes");
  }
  assert.deepEqual(systemCalls.listxattrAt(fd, Buffer.from("file")).map(String), ["user.one"]);
  assert.deepEqual(
    systemCalls.listxattrAt(fd, Buffer.from("link")),
    systemCalls.llistxattr(Buffer.from(join(path, "link"))),
  );
  assert.throws(() => systemCalls.listxattrAt(fd, Buffer.from("absent")), { code: "ENOENT", syscall: "llistxattr" });
});
