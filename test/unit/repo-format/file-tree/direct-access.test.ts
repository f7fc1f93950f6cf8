import assert from "node:assert/strict";
import { closeSync, constants, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { closeDirect, reopenDirectly } from "../../../../repo-format/file-tree/direct-access.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

it("a file that cannot be had directly is no error", (t) => {
  const path = join(temporaryDirectory(t), "file");
  writeFileSync(path, "");
  const fd = openSync(path, "r");
  renameSync(path, `${path}-moved`);
  const direct = reopenDirectly(fd, constants.O_RDONLY);
  assert.ok(direct === undefined || direct > fd, "by the descriptor, not by the name");
  assert.equal(closeDirect(direct), undefined);
  closeSync(fd);
  assert.equal(reopenDirectly(fd, constants.O_RDONLY), undefined);
});
