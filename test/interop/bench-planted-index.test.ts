// The index that benchmarks plant: restic reads it, and a check without data has nothing to say about it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { plantIndex } from "../../bench/against-peers/planted-index.ts";
import { password } from "../../bench/against-peers/session.ts";
import { resticMust } from "../support/restic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("blobs that are not there are listed, in packs of the right size, and nothing takes room", async (context) => {
  const repository = temporaryDirectory(context);
  const restic = (...args: string[]) => resticMust(args, { repository, password });
  await restic("init");
  await plantIndex(repository, 60);
  const { stdout } = await restic("list", "blobs");
  assert.equal(new Set(stdout.trim().split("\n")).size, 60);
  const packs = readdirSync(join(repository, "data"), { recursive: true, withFileTypes: true });
  // 25, 25 and 10 blobs.
  assert.equal(packs.filter((entry) => entry.isFile()).length, 3);
  await restic("check");
});
