import assert from "node:assert/strict";
import { test } from "node:test";
import { zeroChunkIds } from "../../../../repo-format/restorer/zero-chunks.ts";

test("restic's chunk of 512 KiB of zeros is known, and this program's of 8 MiB", () => {
  assert.ok(zeroChunkIds().has("07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541" as never));
  assert.equal(zeroChunkIds().size, 2);
});
