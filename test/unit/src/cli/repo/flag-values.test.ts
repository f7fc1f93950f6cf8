import assert from "node:assert/strict";
import { test } from "node:test";
import { threadCount } from "../../../../../src/cli/repo/flag-values.ts";
import { UsageError } from "../../../../../src/cli/usage-error.ts";

test("the number of threads is a whole number above 0, or nobody says one", () => {
  assert.equal(threadCount({ threads: "2" }), 2);
  assert.equal(threadCount({ threads: undefined }), undefined);
  for (const threads of ["0", "-1", "1.5", "two"]) {
    assert.throws(
      () => threadCount({ threads }),
      new UsageError(`STOWAGE_THREADS ${threads}: give a whole number above 0`),
    );
  }
});
