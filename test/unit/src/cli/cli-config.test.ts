import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCliEnvironment } from "../../../../src/cli/cli-config.ts";

describe("readCliEnvironment", () => {
  it("reads restic's variables, and their twins before them", () => {
    const environment = readCliEnvironment({ RESTIC_HOST: "a", STOWAGE_HOST: "b", RESTIC_COMPRESSION: "max" });
    assert.equal(environment.host, "b");
    assert.equal(environment.compression, "max");
  });

  it("takes an empty variable for none", () => {
    assert.equal(readCliEnvironment({ STOWAGE_HOST: "", RESTIC_HOST: "a" }).host, "a");
  });

  it("lets one twin replace all variables that stand for the same thing", () => {
    const file = readCliEnvironment({ RESTIC_REPOSITORY: "/a", STOWAGE_REPOSITORY_FILE: "/b", RESTIC_PASSWORD: "x" });
    assert.deepEqual([file.repository, file.repositoryFile, file.password], [undefined, "/b", "x"]);
    const command = readCliEnvironment({ RESTIC_PASSWORD_FILE: "/p", STOWAGE_PASSWORD: "x" });
    assert.deepEqual([command.passwordFile, command.password], [undefined, "x"]);
  });

  it("reads what names the source of a copy, apart from the repository itself", () => {
    const { from, repository, passwordFile } = readCliEnvironment({
      RESTIC_REPOSITORY: "/a",
      RESTIC_PASSWORD_FILE: "/p",
      RESTIC_FROM_REPOSITORY: "/b",
      STOWAGE_FROM_REPOSITORY_FILE: "/c",
      RESTIC_FROM_PASSWORD: "x",
      STOWAGE_FROM_KEY_HINT: "abc",
    });
    assert.deepEqual([repository, passwordFile], ["/a", "/p"]);
    assert.deepEqual([from.repository, from.repositoryFile], [undefined, "/c"]);
    assert.deepEqual([from.password, from.passwordFile, from.keyHint], ["x", undefined, "abc"]);
  });

  it("bounds the rate of progress and takes nonsense for none", () => {
    assert.equal(readCliEnvironment({ RESTIC_PROGRESS_FPS: "0.0166" }).progressFps, 0.0166);
    assert.equal(readCliEnvironment({ RESTIC_PROGRESS_FPS: "1000" }).progressFps, 60);
    for (const text of ["0", "-1", "often"])
      assert.equal(readCliEnvironment({ RESTIC_PROGRESS_FPS: text }).progressFps, undefined);
  });

  it("reads the number of threads, which restic takes from Go's own variable", () => {
    assert.equal(readCliEnvironment({ STOWAGE_THREADS: "1" }).threads, "1");
    assert.equal(readCliEnvironment({ RESTIC_THREADS: "1" }).threads, undefined);
  });

  it("reads switches as restic does", () => {
    assert.equal(readCliEnvironment({ RESTIC_IGNORE_CTIME: "true" }).ignoreCtime, true);
    assert.equal(readCliEnvironment({ RESTIC_IGNORE_INODE: "0" }).ignoreInode, false);
  });
});
