import assert from "node:assert/strict";
import { test } from "node:test";
import { parallelSetting, writesSparseFiles } from "../../../../agent/volume-work/uploader-settings.ts";

test("a parallel count is a positive whole number, anything else is no wish", () => {
  assert.equal(parallelSetting({ ParallelFilesUpload: "4" }, "ParallelFilesUpload"), 4);
  for (const text of ["0", "-1", "x", "", "1.5"]) {
    assert.equal(parallelSetting({ ParallelFilesUpload: text }, "ParallelFilesUpload"), undefined, text);
  }
  assert.equal(parallelSetting(null, "ParallelFilesDownload"), undefined);
});

test("sparse files are written only when asked for with true", () => {
  assert.equal(writesSparseFiles({ WriteSparseFiles: "true" }), true);
  assert.equal(writesSparseFiles({ WriteSparseFiles: "false" }), false);
  assert.equal(writesSparseFiles(undefined), false);
});
