import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, fdatasyncSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { DirectReader } from "../../../../repo-format/file-tree/direct-reader.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { allocateAligned } from "../../../../repo-format/native/aligned-memory.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const mebibyte: number = 1024 * 1024;

it("DirectReader gives what the file has, and no more at its end", (t) => {
  const content = randomBytes(3 * mebibyte + 77);
  const fd = openSync(join(temporaryDirectory(t), "file"), "w+");
  writeSync(fd, content);
  const reader = new DirectReader(fd);
  const open = readdirSync("/proc/self/fd").length;
  try {
    assert.equal(reader.isBetter(0, content.length), false, "what is in the page cache is read from there");
    fdatasyncSync(fd);
    systemCalls.dropFromCache(fd, 0, 0);
    assert.equal(reader.isBetter(0, 1000), false);
    const memory = allocateAligned(4 * mebibyte);
    for (const [offset, length] of [
      [0, 2 * mebibyte],
      [4096, 100],
      [mebibyte, 2 * mebibyte + 77],
      [3 * mebibyte, mebibyte],
    ] as const) {
      const count = reader.read(memory, offset, length);
      if (count === undefined) continue; // no direct access in this file system
      assert.equal(count, Math.min(length, content.length - offset));
      assert.ok(memory.subarray(0, count).equals(content.subarray(offset, offset + count)));
    }
  } finally {
    reader.close();
    assert.equal(readdirSync("/proc/self/fd").length, open);
    closeSync(fd);
  }
});
