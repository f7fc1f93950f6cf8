import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { isCached } from "../../../../repo-format/native/page-cache.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

it("isCached knows what was just written", (t) => {
  const fd = openSync(join(temporaryDirectory(t), "file"), "w+");
  writeSync(fd, randomBytes(100_000));
  assert.ok(isCached(fd, 50_000));
  fdatasyncSync(fd);
  systemCalls.dropFromCache(fd, 0, 0);
  // A file system in memory keeps everything; others answer both ways until they are read.
  assert.equal(typeof isCached(fd, 50_000), "boolean");
  assert.ok(isCached(fd, 200_000), "behind the end there is nothing to wait for");
  closeSync(fd);
});
