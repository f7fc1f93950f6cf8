import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { DirectWrites } from "../../../../repo-format/workers/direct-writes.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

it("writes of a file that fail together are all told of, those of other files are not", (t) => {
  const path = join(temporaryDirectory(t), "file");
  const [good, full] = [openSync(path, "w+"), openSync("/dev/full", "r+")];
  const failed: string[] = [];
  const writes = new DirectWrites<string>((name, error) =>
    failed.push(`${name} ${(error as NodeJS.ErrnoException).code}`),
  );
  const bytes = randomBytes(3_000_000);
  try {
    writes.write("first", { fd: good, bytes: bytes.subarray(0, 1_000_000), offset: 0 });
    writes.write("second", { fd: full, bytes: bytes.subarray(0, 10), offset: 0 });
    writes.write("third", { fd: full, bytes: bytes.subarray(0, 10), offset: 10 });
    writes.write("fourth", { fd: good, bytes: bytes.subarray(1_000_000), offset: 1_000_000 });
    writes.flush();
  } finally {
    closeSync(good);
    closeSync(full);
  }
  assert.deepEqual(failed, ["second ENOSPC", "third ENOSPC"]);
  assert.ok(readFileSync(path).equals(bytes));
});
