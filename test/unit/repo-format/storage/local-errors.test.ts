import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileError, hasErrno, isUnsupportedSync } from "../../../../repo-format/storage/local-errors.ts";

function failure(code: string, syscall: string = "open"): Error {
  return Object.assign(new Error(`${code}: words`), { code, syscall });
}

describe("fileError", () => {
  const cases = [
    ["ENOSPC", "write", "storage-full"],
    ["EDQUOT", "write", "storage-full"],
    ["EACCES", "write", "storage-denied"],
    ["EROFS", "write", "storage-denied"],
    ["EPERM", "delete", "storage-denied"],
    ["ENOTDIR", "write", "storage-misconfigured"],
    ["ENOENT", "prepare", "storage-misconfigured"],
    ["ENAMETOOLONG", "write", "argument-invalid"],
    ["EIO", "read", "storage-unavailable"],
    ["ESTALE", "write", "storage-unavailable"],
    ["EMFILE", "read", "storage-unavailable"],
    ["ENOENT", "read", "object-missing"],
    ["ENOTDIR", "look up", "object-missing"],
    ["ELOOP", "read", "object-missing"],
  ] as const;
  for (const [errno, action, code] of cases) {
    it(`${errno} on ${action} is ${code} and says where`, () => {
      const error = fileError(failure(errno), { action, key: "data/ab/x", location: "/srv/repo" });
      assert.equal(error.code, code);
      assert.match(error.message, /data\/ab\/x .*\/srv\/repo/);
    });
  }

  it("names the directory alone when no object is meant", () => {
    const error = fileError(failure("ENOSPC"), { action: "prepare", key: "", location: "/srv/repo" });
    assert.equal(error.message, "cannot prepare /srv/repo: ENOSPC");
  });
});

describe("error codes of files", () => {
  it("a sync that the file system does not know is told from other failures", () => {
    assert.ok(isUnsupportedSync(failure("EINVAL", "fsync")));
    assert.ok(!isUnsupportedSync(failure("EINVAL", "write")));
    assert.ok(!isUnsupportedSync(failure("EIO", "fsync")));
  });

  it("hasErrno is false for whatever has no code", () => {
    for (const thing of [undefined, null, "ENOENT", new Error("ENOENT"), { code: 2 }])
      assert.ok(!hasErrno(thing, "ENOENT"));
  });
});
