import assert from "node:assert/strict";
import { closeSync, lstatSync, openSync, readFileSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { SystemCalls } from "../../../../repo-format/file-tree/system-call-contract.ts";
import { createSystemCalls, nativeSystemCalls, systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** Some temporary directories keep no attributes of users. */
function keepsAttributes(path: Buffer): boolean {
  try {
    systemCalls.lsetxattr(path, "user.probe", Buffer.from("x"));
    systemCalls.lremovexattr(path, "user.probe");
    return true;
  } catch {
    return false;
  }
}

const fallback: SystemCalls = createSystemCalls(false).calls;

test("every call is native on a 64-bit Linux with the add-on", { skip: process.platform !== "linux" }, () => {
  assert.deepEqual([...nativeSystemCalls].sort(), Object.keys(systemCalls).sort());
});

test("without the add-on nothing is native and every call is there", () => {
  const { calls, native } = createSystemCalls(false);
  assert.equal(native.size, 0);
  assert.deepEqual(Object.keys(calls).sort(), Object.keys(systemCalls).sort());
});

test("attributes are set, listed, read and removed with any bytes as value", (t) => {
  const path = Buffer.from(join(temporaryDirectory(t), "file"));
  writeFileSync(path, "");
  if (!keepsAttributes(path)) return t.skip("the temporary directory keeps no attributes");
  const value = Buffer.from([0, 255, 10, 0, 1]);
  systemCalls.lsetxattr(path, "user.binary", value);
  systemCalls.lsetxattr(path, Buffer.from("user.empty"), Buffer.alloc(0));
  assert.deepEqual(systemCalls.llistxattr(path).map(String).sort(), ["user.binary", "user.empty"]);
  assert.deepEqual(systemCalls.lgetxattr(path, "user.binary"), value);
  assert.equal(systemCalls.lgetxattr(path, "user.empty").length, 0);
  systemCalls.lremovexattr(path, "user.binary");
  assert.deepEqual(systemCalls.llistxattr(path).map(String), ["user.empty"]);
  assert.throws(() => systemCalls.lgetxattr(path, "user.binary"), { code: "ENODATA", syscall: "lgetxattr" });
});

test("attributes are kept for names that are no UTF-8", (t) => {
  const path = Buffer.concat([Buffer.from(`${temporaryDirectory(t)}/`), Buffer.from([0xff, 0x80, 0x20])]);
  writeFileSync(path, "");
  if (!keepsAttributes(path)) return t.skip("the temporary directory keeps no attributes");
  systemCalls.lsetxattr(path, "user.a", Buffer.from("1"));
  assert.equal(String(systemCalls.lgetxattr(path, "user.a")), "1");
});

for (const timeNs of [
  1_700_000_000_123_456_789n,
  0n,
  -1n,
  -1_000_000_000n,
  -1_234_567_891_011n,
  4_102_444_800_999_999_999n,
]) {
  test(`utimensat sets ${timeNs} ns exactly`, (t) => {
    const path = join(temporaryDirectory(t), "file");
    writeFileSync(path, "");
    assert.equal(systemCalls.utimensat(Buffer.from(path), timeNs + 5n, timeNs), true);
    const stat = lstatSync(path, { bigint: true });
    assert.equal(stat.mtimeNs, timeNs);
    assert.equal(stat.atimeNs, timeNs + 5n);
  });
}

test("utimensat changes a link and not what it points to", (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "file"), "");
  symlinkSync("file", join(directory, "link"));
  systemCalls.utimensat(Buffer.from(join(directory, "link")), 42n, 42n);
  assert.equal(lstatSync(join(directory, "link"), { bigint: true }).mtimeNs, 42n);
  assert.notEqual(lstatSync(join(directory, "file"), { bigint: true }).mtimeNs, 42n);
});

test("the fallback for times keeps whole seconds, negative ones too, and says when it rounds", (t) => {
  const path = Buffer.from(join(temporaryDirectory(t), "file"));
  writeFileSync(path, "");
  assert.equal(fallback.utimensat(path, 5_000_000_000n, -7_000_000_000n), true);
  assert.equal(lstatSync(path, { bigint: true }).mtimeNs, -7_000_000_000n);
  assert.equal(fallback.utimensat(path, 0n, 1_700_000_000_123_456_789n), false);
  const rounded = lstatSync(path, { bigint: true }).mtimeNs - 1_700_000_000_123_456_789n;
  assert.ok(rounded > -1000n && rounded < 1000n, `off by ${rounded} ns`);
});

test("mknod makes a FIFO, natively and by the fallback", (t) => {
  const directory = temporaryDirectory(t);
  for (const [name, calls] of Object.entries({ native: systemCalls, fallback })) {
    calls.mknod(Buffer.from(join(directory, name)), 0o010644, 0n);
    assert.ok(lstatSync(join(directory, name)).isFIFO());
  }
});

test("mknod makes devices with large numbers where that is permitted", (t) => {
  const directory = temporaryDirectory(t);
  for (const [name, calls] of Object.entries({ native: systemCalls, fallback })) {
    const path = Buffer.from(join(directory, name));
    try {
      calls.mknod(path, 0o060600, 1_050_412n);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
      return t.skip("devices need root");
    }
    assert.equal(lstatSync(path, { bigint: true }).rdev, 1_050_412n);
  }
});

test("seekData and seekHole see the parts of a sparse file, the fallback sees one part", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const fd = openSync(path, "w+");
  try {
    writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, 1 << 20);
    writeSync(fd, "x", 3 << 20);
    const size = (3 << 20) + 1;
    assert.equal(fallback.seekData(fd, 5), 5);
    assert.equal(fallback.seekHole(fd, 5), size);
    assert.equal(fallback.seekData(fd, size), -1);
    if (systemCalls.seekData(fd, 0) === 0) return t.skip("the temporary directory knows no holes");
    assert.equal(systemCalls.seekData(fd, 0), 1 << 20);
    assert.equal(systemCalls.seekHole(fd, 1 << 20), (1 << 20) + 4096);
    assert.equal(systemCalls.seekData(fd, size), -1);
  } finally {
    closeSync(fd);
  }
});

test("fallocate extends the file, and cache advice does no harm", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const fd = openSync(path, "w+");
  try {
    if (systemCalls.fallocate(fd, 12_345)) assert.equal(lstatSync(path).size, 12_345);
    systemCalls.dropFromCache(fd, 0, 0);
    assert.equal(fallback.fallocate(fd, 99_999), false);
  } finally {
    closeSync(fd);
  }
});

test("a NUL in a path or a name is refused before libc would cut it there", () => {
  assert.throws(() => systemCalls.llistxattr(Buffer.from("/tmp\0/x")), { code: "EINVAL" });
  assert.throws(() => systemCalls.lgetxattr(Buffer.from("/tmp"), "user.a\0b"), { code: "EINVAL" });
  assert.throws(() => systemCalls.llistxattr(Buffer.alloc(5000, "a")), { code: "ENAMETOOLONG" });
});

test("several threads call at once and see their own errors", async (t) => {
  const directory = temporaryDirectory(t);
  const url = new URL("../../../../repo-format/file-tree/system-calls.ts", import.meta.url);
  const code = `
    const { workerData } = require("node:worker_threads");
    const fs = require("node:fs");
    import(workerData.url).then(({ systemCalls }) => {
      for (let i = 0; i < 2000; i++) {
        const path = Buffer.from(workerData.path + (i % 2 ? "" : "-absent"));
        try { systemCalls.utimensat(path, BigInt(i), workerData.time); if (i % 2 === 0) throw new Error("no error"); }
        catch (error) { if (i % 2 || error.code !== "ENOENT") throw error; }
      }
    });`;
  const threads = [1, 2, 3, 4].map((number) => {
    const path = join(directory, `file-${number}`);
    writeFileSync(path, "");
    const worker = new Worker(code, { eval: true, workerData: { url: url.href, path, time: BigInt(number) } });
    return new Promise((resolve, reject) => worker.on("exit", () => resolve(path)).on("error", reject));
  });
  await Promise.all(threads);
  for (const number of [1, 2, 3, 4]) {
    assert.equal(lstatSync(join(directory, `file-${number}`), { bigint: true }).mtimeNs, BigInt(number));
    assert.equal(readFileSync(join(directory, `file-${number}`), "utf8"), "");
  }
});
