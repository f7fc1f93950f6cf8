import assert from "node:assert/strict";
import { closeSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { openForReading, readFully } from "../../../../repo-format/file-tree/read-file.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

function openTemporary(scope: Scope): { path: string; handle: DirectoryHandle } {
  const path = temporaryDirectory(scope);
  const handle = DirectoryHandle.openRoot(path);
  scope.after(() => handle.close());
  return { path, handle };
}

test("a file is opened with what fstat says of it and read until it ends", (t) => {
  const { path, handle } = openTemporary(t);
  writeFileSync(join(path, "file"), "0123456789");
  const { fd, stat } = openForReading(handle, Buffer.from("file"));
  try {
    assert.equal(stat.size, 10n);
    const target = Buffer.alloc(6);
    assert.equal(readFully(fd, target, 0), 6);
    assert.equal(String(target), "012345");
    assert.equal(readFully(fd, target, 6), 4);
    assert.equal(readFully(fd, target, 2, 3), 3);
    assert.equal(String(target.subarray(0, 3)), "234");
    assert.equal(readFully(fd, target, 10), 0);
  } finally {
    closeSync(fd);
  }
});

test("links, directories and FIFOs are refused, and nobody waits for a writer", (t) => {
  const { path, handle } = openTemporary(t);
  writeFileSync(join(path, "file"), "");
  symlinkSync("file", join(path, "link"));
  mkdirSync(join(path, "directory"));
  systemCalls.mknod(Buffer.from(join(path, "fifo")), 0o010600, 0n);
  for (const name of ["link", "directory", "fifo"]) {
    assert.throws(() => openForReading(handle, Buffer.from(name)), { code: "source-unreadable" }, name);
  }
});

test("a file that vanished is Node's ENOENT", (t) => {
  const { handle } = openTemporary(t);
  assert.throws(() => openForReading(handle, Buffer.from("absent")), { code: "ENOENT" });
});
