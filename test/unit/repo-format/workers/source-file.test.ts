import assert from "node:assert/strict";
import { openSync, readSync } from "node:fs";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { sourceFailureOf } from "../../../../repo-format/workers/source-file.ts";

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

test("a file that is gone has vanished, one that refuses is unreadable, and no descriptor's path is shown", () => {
  const gone = sourceFailureOf(errorOf(() => openSync("/proc/self/fd/9999/name", "r")));
  assert.deepEqual(gone, { kind: "vanished", message: "ENOENT: no such file or directory, open" });
  const fd = openSync("/proc/self", "r");
  const refused = sourceFailureOf(errorOf(() => readSync(fd, Buffer.alloc(1))));
  assert.deepEqual(refused, { kind: "unreadable", message: "EISDIR: illegal operation on a directory, read" });
});

test("errors of the repository and of the program are no failures of a file", () => {
  assert.equal(sourceFailureOf(new RepositoryError("storage-full", "full")), undefined);
  assert.equal(sourceFailureOf(new TypeError("bug")), undefined);
  assert.equal(sourceFailureOf(new RepositoryError("source-unreadable", "no file any more"))?.kind, "unreadable");
});
