import assert from "node:assert/strict";
import { lstatSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { closeOpened, hasTrueSizes, statOpened } from "../../../../repo-format/file-tree/opened-file.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

test("an open file is examined exactly, and closed once", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "12345");
  const fd = openSync(path, "r");
  assert.deepEqual(statOpened(fd).mtimeNs, lstatSync(path, { bigint: true }).mtimeNs);
  assert.equal(statOpened(fd).size, 5n);
  closeOpened(fd);
  assert.throws(() => statOpened(fd), { code: "EBADF" });
});

test("sizes are true in a directory of files and not in proc", (t) => {
  const real = DirectoryHandle.openRoot(temporaryDirectory(t));
  const proc = DirectoryHandle.openRoot("/proc/self");
  t.after(() => [real, proc].forEach((handle) => void handle.close()));
  assert.equal(hasTrueSizes(real), true);
  assert.equal(hasTrueSizes(proc), false);
});
