import assert from "node:assert/strict";
import { test } from "node:test";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { targetError } from "../../../../repo-format/file-tree/target-errors.ts";

const expectedCodes = {
  ENOSPC: "target-full",
  EDQUOT: "target-full",
  EACCES: "target-denied",
  EROFS: "target-denied",
  EIO: "target-unwritable",
  ENOTDIR: "target-unwritable",
} as const;

for (const [errno, code] of Object.entries(expectedCodes)) {
  test(`${errno} becomes ${code} with the action and the kernel's words`, () => {
    const cause = Object.assign(new Error(`${errno}: some words`), { code: errno });
    const error = targetError(cause, "write 5 bytes at offset 0");
    assert.equal(error.code, code);
    assert.equal(error.message, `write 5 bytes at offset 0: ${errno}: some words`);
    assert.equal(error.details.errno, errno);
    assert.equal(error.cause, cause);
  });
}

test("an error of the engine stays as it is", () => {
  const error = new RepositoryError("unsafe-name", "no");
  assert.equal(targetError(error, "open"), error);
});
