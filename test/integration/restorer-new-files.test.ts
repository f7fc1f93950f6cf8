// Files that a thread makes whole: the same result as with files that the main thread opens, also when something is in the way
// or comes with the directory.
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import { aclForAnotherUser } from "../support/access-list.ts";
import { createTestRepository } from "../support/memory-repository.ts";
import { directory, fakeThreads, file, restoreInThread, storeEntries, symlink } from "../support/restorer-fixture.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const timeNs = 1_577_934_245_000_000_006n;

function assertFinished(path: string, mode: bigint): void {
  const stat = lstatSync(path, { bigint: true });
  assert.equal(stat.mtimeNs, timeNs, path);
  assert.equal(stat.mode & 0o7777n, mode, path);
  assert.deepEqual(systemCalls.llistxattr(Buffer.from(path)).map(String), [], path);
}

test("a tree of new files and directories is finished without reading a tree again", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const names = Array.from({ length: 300 }, (_, number) => `file ${number}`);
  const snapshotId = await storeEntries(repo, [
    ["deep", directory([["deeper", directory(names.map((name) => [name, file([name])] as const))]])],
    ["empty", file([])],
    ["large", file(["first ", "second"], { mode: 0o400 })],
  ]);
  const trees: string[] = [];
  const loadTree = repo.loadTree.bind(repo);
  repo.loadTree = (id, signal) => {
    trees.push(id);
    return loadTree(id, signal);
  };
  const items: string[] = [];
  const result = await restoreInThread(repo, {
    snapshotId,
    target,
    pool: fakeThreads(repo),
    onItem: ({ action }) => items.push(action),
  });
  assert.equal(result.failure, undefined);
  assert.equal(trees.length, 3);
  assert.equal(items.filter((action) => action === "file restored").length, 302);
  assert.equal(items.filter((action) => action === "dir restored").length, 2);
  for (const name of names) {
    assertFinished(join(target, "deep/deeper", name), 0o640n);
    assert.equal(readFileSync(join(target, "deep/deeper", name), "utf8"), name);
  }
  for (const name of ["deep", "deep/deeper"]) assertFinished(join(target, name), 0o750n);
  assertFinished(join(target, "empty"), 0o640n);
  assertFinished(join(target, "large"), 0o400n);
  assert.equal(readFileSync(join(target, "large"), "utf8"), "first second");
});

test("what appears in a file's place while the restore runs is replaced, a link is not followed", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const outside = join(temporaryDirectory(t), "outside");
  writeFileSync(outside, "untouched");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["empty", file([])],
    ["file", file(["content"])],
    ["link", file(["linked"])],
  ]);
  const threads = fakeThreads(repo);
  let isFirst = true;
  threads.intercept = () => {
    if (!isFirst) return undefined;
    isFirst = false;
    writeFileSync(join(target, "empty"), "in the way");
    writeFileSync(join(target, "file"), "in the way");
    symlinkSync(outside, join(target, "link"));
    return undefined;
  };
  const result = await restoreInThread(repo, { snapshotId, target, pool: threads });
  assert.equal(result.failure, undefined);
  assert.equal(readFileSync(outside, "utf8"), "untouched");
  const contents = readdirSync(target).map((name) => [name, readFileSync(join(target, name), "utf8")]);
  assert.deepEqual(contents.toSorted(), [
    ["empty", ""],
    ["file", "content"],
    ["link", "linked"],
  ]);
  assert.ok(lstatSync(join(target, "link")).isFile());
});

test("an access list that files and directories inherit is removed from them", async (t) => {
  const target = join(temporaryDirectory(t, "restorer"), "target");
  mkdirSync(target);
  try {
    systemCalls.lsetxattr(Buffer.from(target), "system.posix_acl_default", aclForAnotherUser);
  } catch {
    return t.skip("the temporary directory keeps no access lists");
  }
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["empty", file([])],
    ["file", file(["content"])],
    ["large", file(["first ", "second"])],
    ["sub", directory([["below", file(["below"])]])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.equal(result.failure, undefined);
  for (const name of ["empty", "file", "large", "sub/below"]) assertFinished(join(target, name), 0o640n);
  assertFinished(join(target, "sub"), 0o750n);
  const directories = await storeEntries(repo, [["outer", directory([["inner", directory([])]])]]);
  assert.equal((await restoreInThread(repo, { snapshotId: directories, target })).failure, undefined);
  for (const name of ["outer", "outer/inner"]) assertFinished(join(target, name), 0o750n);
});

test("a link that appears in a new directory's place is not followed: the directory fails, all others are restored", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const outside = temporaryDirectory(t);
  const repo = await createTestRepository();
  const inside = directory([
    ["sub", directory([["empty", file([])]])],
    ["file", file(["content"])],
  ]);
  const snapshotId = await storeEntries(repo, [
    ["a", inside],
    ["b", inside],
  ]);
  const threads = fakeThreads(repo);
  threads.intercept = () => {
    if (readdirSync(target).length === 0) symlinkSync(outside, join(target, "a"));
    return undefined;
  };
  const result = await restoreInThread(repo, { snapshotId, target, pool: threads });
  assert.deepEqual(readdirSync(outside), []);
  assert.equal(result.failure?.code, "target-unwritable");
  assert.deepEqual(result.warnings.map(({ path, isError }) => [path, isError]).toSorted(), [
    ["/a", true],
    ["/a/file", true],
    ["/a/sub/empty", true],
  ]);
  for (const name of ["b/file", "b/sub/empty"]) assertFinished(join(target, name), 0o640n);
  for (const name of ["b", "b/sub"]) assertFinished(join(target, name), 0o750n);
});

test("directories with links, large files and nothing at all are each finished once, after all that is in them", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const pair = { links: 2, inode: 77n, deviceId: 5n };
  const names = Array.from({ length: 40 }, (_, number) => `d${number}`);
  const snapshotId = await storeEntries(repo, [
    ...names.map(
      (name) =>
        [
          name,
          directory([
            ["in", directory([["none", file([])]])],
            ["x", file(["x"])],
          ]),
        ] as const,
    ),
    [
      "first",
      directory([
        ["one", file(["both"], pair)],
        ["sub", directory([])],
      ]),
    ],
    [
      "links",
      directory([
        ["l", symlink("../first")],
        ["sub", directory([["none", file([])]])],
      ]),
    ],
    ["second", directory([["two", file(["both"], pair)]])],
  ]);
  const items: string[] = [];
  const onItem = ({ action, path }: { action: string; path: string }): void => void items.push(`${action} ${path}`);
  const result = await restoreInThread(repo, { snapshotId, target, pool: fakeThreads(repo), onItem });
  assert.equal(result.failure, undefined);
  assert.equal(result.filesRestored, result.totalFiles);
  assert.equal(new Set(items).size, items.length);
  const directories = items.filter((item) => item.startsWith("dir restored ")).map((item) => item.slice(14));
  assert.equal(directories.length, 2 * names.length + 5);
  for (const name of directories) assertFinished(join(target, name), 0o750n);
  assert.equal(lstatSync(join(target, "second/two")).ino, lstatSync(join(target, "first/one")).ino);
});
