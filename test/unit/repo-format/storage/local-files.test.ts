import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  exists,
  makeFolders,
  moveIntoPlace,
  readFully,
  syncDirectory,
  writeAndSync,
} from "../../../../repo-format/storage/local-files.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** Takes at most so many bytes a call, as a kernel may; sync fails with the code given. */
function stingyFile(limit: number, syncError?: NodeJS.ErrnoException): { file: FileHandle; written: () => Buffer } {
  const chunks: Buffer[] = [];
  let isClosed = false;
  const file = {
    writev: async (parts: Uint8Array[]) => {
      assert.ok(parts.length <= 1024, "the kernel takes no more than 1024 buffers");
      const taken = Buffer.concat(parts).subarray(0, limit);
      chunks.push(Buffer.from(taken));
      return { bytesWritten: taken.length, buffers: parts };
    },
    sync: async () => {
      if (syncError !== undefined) throw syncError;
    },
    close: async () => {
      isClosed = true;
    },
  };
  const written = (): Buffer => {
    assert.ok(isClosed);
    return Buffer.concat(chunks);
  };
  return { file: file as unknown as FileHandle, written };
}

describe("writeAndSync", () => {
  it("goes on where the kernel stopped, at any byte of any buffer", async () => {
    const parts = ["abc", "", "d", "efghij", "", "k"].map((text) => Buffer.from(text));
    for (let limit = 1; limit <= 12; limit += 1) {
      const { file, written } = stingyFile(limit);
      await writeAndSync(file, parts, undefined);
      assert.equal(written().toString(), "abcdefghijk");
    }
  });

  it("writes more buffers than the kernel takes at once", async () => {
    const { file, written } = stingyFile(Number.POSITIVE_INFINITY);
    await writeAndSync(
      file,
      Array.from({ length: 3000 }, (_, number) => Buffer.of(number & 255)),
      undefined,
    );
    assert.equal(written().length, 3000);
  });

  it("puts up with a file system that cannot sync, but not with a sync that fails", async () => {
    const unsupported = Object.assign(new Error("no"), { code: "ENOTSUP", syscall: "fsync" });
    const tolerant = stingyFile(10, unsupported);
    await writeAndSync(tolerant.file, Buffer.from("x"), undefined);
    assert.equal(tolerant.written().toString(), "x");
    const broken = stingyFile(10, Object.assign(new Error("no"), { code: "EIO", syscall: "fsync" }));
    await assert.rejects(writeAndSync(broken.file, Buffer.from("x"), undefined), { code: "EIO" });
    broken.written();
  });

  it("stops between two writes when cancelled, and closes the file", async () => {
    const controller = new AbortController();
    const { file, written } = stingyFile(1);
    const writev = file.writev.bind(file);
    file.writev = ((parts: Uint8Array[]) => {
      controller.abort();
      return writev(parts);
    }) as FileHandle["writev"];
    await assert.rejects(writeAndSync(file, Buffer.from("xyz"), controller.signal), { code: "cancelled" });
    assert.equal(written().toString(), "x");
  });
});

describe("files in place", () => {
  it("makeFolders makes folders that others make at the same time", async (t) => {
    const folder = temporaryDirectory(t);
    for (let round = 0; round < 100; round++) {
      const leaves = Array.from({ length: 8 }, (_, leaf) => join(folder, `${round}`, "kind", `${leaf % 4}`));
      await Promise.all(leaves.map((leaf) => makeFolders(leaf, 0o700)));
      assert.deepEqual(readdirSync(join(folder, `${round}`, "kind")), ["0", "1", "2", "3"]);
    }
  });

  it("moveIntoPlace replaces, or with ifAbsent refuses and leaves what is there", async (t) => {
    const folder = temporaryDirectory(t);
    const [temporary, path] = [join(folder, "temporary"), join(folder, "name")];
    for (const [ifAbsent, text] of [
      [true, "first"],
      [false, "second"],
    ] as const) {
      writeFileSync(temporary, text);
      await moveIntoPlace(temporary, path, ifAbsent);
      assert.equal(readFileSync(path, "utf8"), text);
      assert.deepEqual(readdirSync(folder), ["name"]);
    }
    writeFileSync(temporary, "third");
    await assert.rejects(moveIntoPlace(temporary, path, true), { code: "EEXIST" });
    assert.equal(readFileSync(path, "utf8"), "second");
  });

  it("readFully says so when the file is shorter than it was", async (t) => {
    const path = join(temporaryDirectory(t), "file");
    writeFileSync(path, "12345");
    const file = await open(path);
    assert.equal((await readFully(file, 1, 3)).toString(), "234");
    await assert.rejects(readFully(file, 0, 6), { code: "object-truncated" });
    await file.close();
  });

  it("syncDirectory takes a directory and nothing else", async (t) => {
    const folder = temporaryDirectory(t);
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "file"), "");
    await syncDirectory(join(folder, "sub"));
    await assert.rejects(syncDirectory(join(folder, "file")), { code: "ENOTDIR" });
  });
});

describe("makeFolders", () => {
  it("makes what is missing, and is content with what is there", async (t) => {
    const path = join(temporaryDirectory(t), "a", "b", "c");
    await makeFolders(path, 0o700);
    await makeFolders(path, 0o700);
    assert.equal(await exists(path), true);
  });

  it("fails where a folder cannot be made, also where Node's own never returns", async (t) => {
    await assert.rejects(makeFolders("/proc/no-such-process/folder", 0o700), { code: "ENOENT" });
    const file = join(temporaryDirectory(t), "file");
    writeFileSync(file, "");
    await assert.rejects(makeFolders(join(file, "folder"), 0o700), { code: "ENOTDIR" });
    await assert.rejects(makeFolders(file, 0o700), { code: "EEXIST" });
  });
});
