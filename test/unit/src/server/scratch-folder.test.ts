import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeScratchFolder, removeScratch } from "../../../../src/server/scratch-folder.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** No process has it: the kernel gives out four million at most. */
const nobody = 99_999_999;

test("a process gets a folder of its own, empty, and what killed ones have left goes", async (t) => {
  const directory = join(temporaryDirectory(t), "scratch");
  const path = await makeScratchFolder(directory, nobody);
  assert.equal(path, join(directory, `${hostname()}-${nobody}`));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  writeFileSync(join(path, "tarball"), "of the one before");
  const living = await makeScratchFolder(directory, process.ppid);
  const others = [`${hostname()}-x`, `another-host-${nobody}`, `${hostname()}-0`, "something"];
  for (const name of others) mkdirSync(join(directory, name));
  assert.equal(existsSync(path), false, "its process has ended");
  const again = await makeScratchFolder(directory, process.pid);
  writeFileSync(join(again, "tarball"), "left by a container that was killed");
  assert.equal(await makeScratchFolder(directory, process.pid), again);
  assert.equal(existsSync(join(again, "tarball")), false, "in a container every process has the same number");
  for (const kept of [living, ...others.map((name) => join(directory, name))])
    assert.equal(existsSync(kept), true, kept);
  await removeScratch(again);
  await removeScratch(again);
  assert.equal(existsSync(again), false);
});
