import assert from "node:assert/strict";
import { test } from "node:test";
import { fallbackCalls } from "../../../../repo-format/file-tree/system-call-fallbacks.ts";

test("without libc a file has no attributes, and setting one says that it is not supported", () => {
  const path = Buffer.from("/");
  assert.deepEqual(fallbackCalls.llistxattr(path), []);
  assert.throws(() => fallbackCalls.lgetxattr(path, "user.a"), { code: "ENOTSUP" });
  assert.throws(() => fallbackCalls.lsetxattr(path, "user.a", Buffer.alloc(1)), { code: "ENOTSUP" });
  assert.throws(() => fallbackCalls.lremovexattr(path, "user.a"), { code: "ENOTSUP" });
});

test("mknod by a program cannot take names that are no UTF-8, nor other types", () => {
  assert.throws(() => fallbackCalls.mknod(Buffer.from([0x2f, 0xff]), 0o010600, 0n), { code: "ENOTSUP" });
  assert.throws(() => fallbackCalls.mknod(Buffer.from("/tmp/x"), 0o140600, 0n), { code: "ENOTSUP" });
});

test("mknod by a program fails with an error where the directory is not there", () => {
  assert.throws(() => fallbackCalls.mknod(Buffer.from("/no/such/directory/fifo"), 0o010600, 0n), { code: "EPERM" });
});
