// Where a control group with a memory limit is made, on trees of files that look like the kernel's.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeMemoryGroup } from "../../../../bench/pipeline/memory-group.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

/** @param controllers by group: what it hands out to those below it. */
function fakeGroups(context: TestContext, controllers: Readonly<Record<string, string>>): string {
  const mount = temporaryDirectory(context);
  writeFileSync(join(mount, "cgroup.controllers"), "cpu memory\n");
  for (const [group, text] of Object.entries(controllers)) {
    mkdirSync(join(mount, group), { recursive: true });
    writeFileSync(join(mount, group, "cgroup.subtree_control"), `${text}\n`);
  }
  return mount;
}

test("a group is made below the nearest one that hands memory out, with the limit in it", (context) => {
  const mount = fakeGroups(context, { "/": "cpu memory", "/user": "cpu memory", "/user/session": "cpu" });
  const group = makeMemoryGroup(1000, { mount, ownGroups: "4:cpu:/x\n0::/user/session\n" });
  const [made = ""] = readdirSync(join(mount, "user")).filter((name) => name.startsWith("stowage-bench-"));
  assert.equal(readFileSync(join(mount, "user", made, "memory.max"), "utf8"), "1000");
  assert.equal(group.words.at(-1), join(mount, "user", made, "cgroup.procs"));
});

test("without version 2, or without memory to hand out, the reason is said", (context) => {
  const mount = fakeGroups(context, { "/": "cpu", "/own": "" });
  assert.throws(() => makeMemoryGroup(1, { mount, ownGroups: "0::/own\n" }), /no control group above this process/);
  assert.throws(() => makeMemoryGroup(1, { mount, ownGroups: "3:memory:/a\n" }), /version 2 are not mounted/);
  assert.throws(
    () => makeMemoryGroup(1, { mount: join(mount, "own"), ownGroups: "0::/" }),
    /version 2 are not mounted/,
  );
});
