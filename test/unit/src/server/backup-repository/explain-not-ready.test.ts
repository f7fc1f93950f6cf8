import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RepositoryError } from "../../../../../repo-format/index.ts";
import { explainNotReady } from "../../../../../src/server/backup-repository/explain-not-ready.ts";

describe("explainNotReady", () => {
  it("names the Secret when the password is wrong", () => {
    const message = explainNotReady(new RepositoryError("wrong-password", "wrong password for s3:x"), "backups");
    assert.match(
      message,
      /^wrong password for s3:x; .*Secret backups\/velero-repo-credentials \(key repository-password\)/,
    );
  });

  it("gives message and hint of everything else", () => {
    const denied = new RepositoryError("storage-denied", "the store refused");
    assert.equal(explainNotReady(denied, "velero"), `the store refused; ${denied.hint}`);
    assert.equal(explainNotReady(new Error("plain"), "velero"), "plain");
  });
});
