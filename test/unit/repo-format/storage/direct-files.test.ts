import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, constants, fdatasyncSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { alignmentBytes, allocateAligned } from "../../../../repo-format/native/aligned-memory.ts";
import { readDirectly, writeDirectly } from "../../../../repo-format/storage/direct-files.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const mebibyte: number = 1024 * 1024;

function aligned(bytes: number): Buffer {
  const memory = allocateAligned(bytes);
  memory.set(randomBytes(bytes));
  return memory;
}

/** An empty file of a new folder, and whether its file system has direct access at all. */
function emptyFile(t: Scope): { path: string; isDirect: boolean } {
  const path = join(temporaryDirectory(t), "object");
  writeFileSync(path, "");
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_DIRECT));
    return { path, isDirect: true };
  } catch {
    return { path, isDirect: false };
  }
}

describe("writeDirectly", () => {
  it("writes all but the end that is not a whole block", async (t) => {
    const { path, isDirect } = emptyFile(t);
    const parts = [...Array.from({ length: 5 }, () => aligned(mebibyte)), aligned(mebibyte).subarray(0, 10_000)];
    const written = await writeDirectly(path, parts, undefined);
    assert.equal(written, isDirect ? 5 * mebibyte + 8192 : 0);
    assert.ok(readFileSync(path).equals(Buffer.concat(parts).subarray(0, written)));
  });

  it("ends before the first part that lies anywhere", async (t) => {
    const { path, isDirect } = emptyFile(t);
    const parts = [aligned(5 * mebibyte), aligned(mebibyte).subarray(1), aligned(mebibyte)];
    assert.equal(await writeDirectly(path, parts, undefined), isDirect ? 5 * mebibyte : 0);
  });

  it("leaves small bodies and those in common memory to the usual way", async (t) => {
    const { path } = emptyFile(t);
    assert.equal(await writeDirectly(path, [aligned(mebibyte)], undefined), 0);
    assert.equal(await writeDirectly(path, [aligned(8 * mebibyte).subarray(8)], undefined), 0);
    assert.equal(statSync(path).size, 0);
  });

  it("goes on where the kernel stopped, with more buffers than it takes at once", async (t) => {
    const { path, isDirect } = emptyFile(t);
    const parts = Array.from({ length: 1500 }, () => aligned(alignmentBytes));
    assert.equal(await writeDirectly(path, parts, undefined), isDirect ? 1500 * alignmentBytes : 0);
    if (isDirect) assert.ok(readFileSync(path).equals(Buffer.concat(parts)));
  });

  it("stops when it is cancelled", async (t) => {
    const { path, isDirect } = emptyFile(t);
    if (!isDirect) return;
    await assert.rejects(writeDirectly(path, [aligned(8 * mebibyte)], AbortSignal.abort()), { code: "cancelled" });
  });
});

describe("readDirectly", () => {
  it("gives the bytes of any range of a file that is not in the page cache", async (t) => {
    const { path, isDirect } = emptyFile(t);
    const content = randomBytes(6 * mebibyte + 123);
    writeFileSync(path, content);
    const file = await open(path, "r+");
    try {
      for (const [offset, length] of [
        [0, content.length],
        [1, 2 * mebibyte],
        [4096, mebibyte],
        [mebibyte + 4095, 3 * mebibyte + 2],
        [content.length - mebibyte - 1, mebibyte + 1],
      ] as const) {
        fdatasyncSync(file.fd);
        systemCalls.dropFromCache(file.fd, 0, 0);
        const bytes = await readDirectly(path, file, { offset, length });
        assert.equal(bytes !== undefined, isDirect);
        if (bytes !== undefined) assert.ok(bytes.equals(content.subarray(offset, offset + length)));
      }
    } finally {
      await file.close();
    }
  });

  it("leaves what is cached, what is short and what ends too early to the usual way", async (t) => {
    const { path } = emptyFile(t);
    writeFileSync(path, randomBytes(3 * mebibyte));
    const file = await open(path, "r+");
    try {
      assert.equal(await readDirectly(path, file, { offset: 0, length: 2 * mebibyte }), undefined);
      fdatasyncSync(file.fd);
      systemCalls.dropFromCache(file.fd, 0, 0);
      assert.equal(await readDirectly(path, file, { offset: 0, length: 1000 }), undefined);
      assert.equal(await readDirectly(path, file, { offset: 2 * mebibyte, length: 2 * mebibyte }), undefined);
    } finally {
      await file.close();
    }
  });
});
