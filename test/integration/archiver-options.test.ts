// What a backup leaves out, what it is told to do differently, and trees of unusual shape.
import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ArchivedItem, ArchiveProgress } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { DirectoryHandle } from "../../repo-format/file-tree/directory-handle.ts";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import type { BlobId, SnapshotId } from "../../repo-format/format/id.ts";
import type { Node } from "../../repo-format/format/node.ts";
import { emptyTreeId, iterateTree } from "../../repo-format/format/tree.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { createBlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { type ArchiveFixture, archiveFixture } from "../support/archive-fixture.ts";
import { seededBytes, storeBlobs, storedKeys } from "../support/memory-repository.ts";

/** In memory: nothing here needs restic. */
function fixture(t: TestContext): Promise<ArchiveFixture> {
  return archiveFixture(t, { storage: new InMemoryStorage() });
}

/** Files by their path below the directory, with their content; directories end in a slash. */
function fill(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const full = join(directory, path);
    mkdirSync(path.endsWith("/") ? full : join(full, ".."), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(full, content);
  }
}

/** Paths of everything in the tree, directories with a slash. */
async function pathsIn(repo: Repository, tree: BlobId, prefix = "/"): Promise<string[]> {
  const paths: string[] = [];
  for (const node of iterateTree(await repo.loadTree(tree))) {
    const path = prefix + node.name.toString();
    paths.push(node.type === "dir" ? `${path}/` : path);
    if (node.subtree !== undefined) paths.push(...(await pathsIn(repo, node.subtree, `${path}/`)));
  }
  return paths;
}

test("patterns see a volume's root as the root, and are recorded", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { "lost+found/x": "", "data/lost+found/y": "", "data/a.log": "", "data/A.TMP": "", "data/keep": "k" });
  const excludes = { patterns: ["/lost+found", "*.log"], insensitivePatterns: ["*.tmp"] };
  const result = await backUp({ excludes });
  assert.deepEqual(await pathsIn(repo, result.treeId), [
    "/data/",
    "/data/keep",
    "/data/lost+found/",
    "/data/lost+found/y",
  ]);
  const snapshot = await repo.loadSnapshot(result.snapshotId!);
  assert.deepEqual(snapshot.excludes, excludes.patterns);
});

test("named targets are never left out, what lies in them is", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { "a.log/b.log": "", "a.log/c": "", "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55" });
  const targets = [join(source, "a.log")];
  const excludes = { patterns: ["b.log", `${source}/a.log/d`], caches: true, largerThanBytes: 0 };
  const result = await backUp({ targets, relativeRoot: false, excludes });
  const paths = await pathsIn(repo, result.treeId);
  assert.deepEqual(paths.slice(-2), [`${source}/a.log/`, `${source}/a.log/c`]);
});

test("directories with a tag keep only the tag, and large files are left out", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, {
    "cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
    "cache/sub/x": "",
    "cache/y": "",
  });
  fill(source, { "no/.skip": "", "no/z": "", "yes/small": "123", "yes/large": "1234" });
  const result = await backUp({ excludes: { caches: true, ifPresent: [".skip"], largerThanBytes: 100 } });
  const expected = ["/cache/", "/cache/CACHEDIR.TAG", "/no/", "/no/.skip", "/yes/", "/yes/large", "/yes/small"];
  assert.deepEqual(await pathsIn(repo, result.treeId), expected);
  const smaller = await backUp({ excludes: { patterns: ["/cache", "/no"], largerThanBytes: 3 } });
  assert.deepEqual(await pathsIn(repo, smaller.treeId), ["/yes/", "/yes/small"]);
});

test("with one file system a mount point is kept as an empty directory", async (t) => {
  const isMount = existsSync("/dev/shm") && statSync("/dev/shm").dev !== statSync("/dev").dev;
  if (!isMount) return t.skip("/dev/shm is no file system of its own here");
  const { repo, backUp } = await fixture(t);
  const inside = mkdtempSync("/dev/shm/stowage-");
  t.after(() => rmSync(inside, { recursive: true }));
  const options = { targets: ["/dev"], excludes: { patterns: ["/*", "!/shm"] } };
  const result = await backUp({ ...options, oneFileSystem: true });
  assert.deepEqual(await pathsIn(repo, result.treeId), ["/shm/"]);
  const all = await backUp(options);
  assert.ok((await pathsIn(repo, all.treeId)).length > 1);
});

test("sockets are left out without a word", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  const server = createServer().listen(join(source, "socket"));
  t.after(() => server.close());
  fill(source, { file: "x" });
  await new Promise((resolve) => server.once("listening", resolve));
  const result = await backUp();
  assert.deepEqual([await pathsIn(repo, result.treeId), result.warningCount], [["/file"], 0]);
});

test("an empty volume makes no snapshot, and says so", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  const empty = await backUp();
  assert.deepEqual([empty.isEmpty, empty.snapshotId, empty.treeId], [true, undefined, emptyTreeId]);
  fill(source, { "lost+found/": "" });
  assert.equal((await backUp({ excludes: { patterns: ["/lost+found"] } })).isEmpty, true);
  assert.deepEqual(await storedKeys(repo.storage, "snapshots/"), []);
});

test("of several targets a missing one is a warning; when all are missing the backup fails", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { here: "x" });
  const missing = (error: unknown): boolean => RepositoryError.is(error, "source-missing");
  const targets = [join(source, "here"), join(source, "gone")];
  const result = await backUp({ targets, relativeRoot: false });
  assert.deepEqual(
    result.warnings.map(({ path, kind }) => [path, kind]),
    [[join(source, "gone"), "unreadable"]],
  );
  await assert.rejects(backUp({ targets: targets.slice(1), relativeRoot: false }), missing);
  await assert.rejects(backUp({ targets: targets.slice(1) }), missing);
  assert.equal((await storedKeys(repo.storage, "snapshots/")).length, 1);
});

test("an unchanged tree makes no second snapshot when that is asked for", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { a: "x", "b/c": "y" });
  const first = await backUp();
  const second = await backUp({ skipIfUnchanged: true });
  assert.deepEqual([second.isUnchanged, second.snapshotId, second.treeId], [true, undefined, first.treeId]);
  assert.equal(second.parentId, first.snapshotId);
  fill(source, { a: "z" });
  assert.notEqual((await backUp({ skipIfUnchanged: true })).snapshotId, undefined);
  assert.equal((await storedKeys(repo.storage, "snapshots/")).length, 2);
});

test("a dry run reads everything, counts what it would store, and stores nothing", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { a: "same content", b: "same content", "c/d": "other" });
  writeFileSync(join(source, "big"), seededBytes("big", 9_000_000));
  const before = await storedKeys(repo.storage);
  const dry = await backUp({ dryRun: true });
  assert.deepEqual(await storedKeys(repo.storage), before);
  assert.equal(dry.snapshotId, undefined);
  const real = await backUp();
  const times = { backupStart: "", backupEnd: "" };
  assert.deepEqual({ ...dry.summary, ...times }, { ...real.summary, ...times });
});

test("an unchanged second run reads no file; forced, it reads all and stores nothing", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  for (let file = 0; file < 300; file++) fill(source, { [`d${file % 7}/f${file}`]: `content ${file}` });
  await backUp();
  const pool = createBlobWorkerPool(repo, 2);
  t.after(() => pool.close());
  const second = await backUp({ pool });
  assert.equal(pool.startedThreads, 0);
  assert.deepEqual([second.summary.filesUnmodified, second.summary.dirsUnmodified], [300, 7]);
  assert.deepEqual([second.summary.dataAdded, second.isUnchanged], [0, true]);
  const forced = await backUp({ pool, parent: "none" });
  assert.ok(pool.startedThreads > 0);
  assert.deepEqual([forced.summary.filesNew, forced.summary.dataAdded], [300, 0]);
  assert.equal(forced.treeId, second.treeId);
});

test("only what changed is read again", async (t) => {
  const { source, backUp } = await fixture(t);
  fill(source, { a: "first", b: "second", "c/d": "third" });
  await backUp();
  fill(source, { b: "changed" });
  const items: ArchivedItem[] = [];
  const result = await backUp({ onItem: (item) => items.push(item) });
  assert.deepEqual(
    items.filter(({ type }) => type === "file").map(({ path, action }) => [path, action]),
    [
      ["/a", "unchanged"],
      ["/c/d", "unchanged"],
      ["/b", "changed"],
    ],
  );
  assert.deepEqual([result.summary.filesChanged, result.summary.dataBlobs], [1, 1]);
});

test("new metadata of a file that was not read are stored all the same", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { a: "x" });
  await backUp();
  utimesSync(join(source, "a"), 1, 1);
  const result = await backUp({ ignoreCtime: true });
  const [node] = iterateTree(await repo.loadTree(result.treeId));
  assert.equal(node?.mtime, "1970-01-01T00:00:01Z");
});

test("a file whose blobs are gone from the repository is read again, with a warning", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { a: "x", b: "y" });
  const first = await backUp();
  // A snapshot that names a blob nobody has.
  const tree = Buffer.from(
    (await repo.loadTree(first.treeId))
      .toString("latin1")
      .replace(/"content":\["[0-9a-f]+/, `"content":["${"ab".repeat(32)}`),
    "latin1",
  );
  const [treeId] = await storeBlobs(repo, "tree", [tree]);
  const parent = await repo.saveSnapshot({ ...(await repo.loadSnapshot(first.snapshotId!)), tree: treeId! });
  const result = await backUp({ parent });
  assert.deepEqual(
    result.warnings.map(({ path, kind }) => [path, kind]),
    [["/a", "parent"]],
  );
  assert.equal(result.treeId, first.treeId);
});

test("a parent that is damaged or gone costs a warning and reading, nothing else", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { a: "x", "d/b": "y" });
  const first = await backUp();
  const snapshot = await repo.loadSnapshot(first.snapshotId!);
  const parent = await repo.saveSnapshot({ ...snapshot, tree: "ab".repeat(32) as BlobId });
  const result = await backUp({ parent });
  assert.deepEqual(
    result.warnings.map(({ kind }) => kind),
    ["parent"],
  );
  assert.equal(result.treeId, first.treeId);
  const gone = await backUp({ parent: "cd".repeat(32) as SnapshotId });
  assert.deepEqual([gone.parentId, gone.summary.filesNew, gone.warningCount], [undefined, 2, 0]);
});

test("a file with several names is read once", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { first: "the content", "d/": "" });
  for (let name = 0; name < 50; name++) linkSync(join(source, "first"), join(source, "d", `name ${name}`));
  const result = await backUp();
  assert.deepEqual([result.summary.filesNew, result.summary.dataBlobs], [51, 1]);
  const nodes = [...iterateTree(await repo.loadTree(result.treeId))];
  const [directory, file] = nodes;
  for (const node of iterateTree(await repo.loadTree(directory!.subtree!))) {
    assert.deepEqual([node.content, node.links, node.inode, node.size], [file?.content, 51, file?.inode, 11]);
    assert.notEqual(node.deviceId, 0n);
  }
});

test("directories deeper than any path may be long are saved, with few descriptors", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  const depth = 700;
  let directory = DirectoryHandle.openRoot(source);
  for (let level = 0; level < depth; level++) {
    writeFileSync(directory.childPath(Buffer.from("file")), `level ${level}`);
    writeFileSync(directory.childPath(Buffer.from("z after")), "z");
    mkdirSync(directory.childPath(Buffer.from("nested directory")));
    const child = directory.openChild(Buffer.from("nested directory"));
    directory.close();
    directory = child;
  }
  directory.close();
  t.after(() => removeDeep(source));
  const result = await backUp();
  assert.deepEqual([result.summary.filesNew, result.summary.dirsNew, result.warningCount], [2 * depth, depth, 0]);
  let tree: BlobId | undefined = result.treeId;
  for (let level = 0; level < depth; level++) {
    const nodes: Node[] = [...iterateTree(await repo.loadTree(tree!))];
    assert.deepEqual(
      nodes.map((node) => node.name.toString()),
      ["file", "nested directory", "z after"],
    );
    tree = nodes[1]?.subtree;
  }
  assert.equal(tree, emptyTreeId);
});

test("a directory of many files is saved in order", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  const count = 5000;
  for (let file = 0; file < count; file++)
    writeFileSync(join(source, `f${file}`), file % 3 === 0 ? "" : `${file % 100}`);
  const result = await backUp();
  assert.deepEqual([result.summary.filesNew, result.summary.dataBlobs], [count, 100]);
  const names = [...iterateTree(await repo.loadTree(result.treeId))].map(({ name }) => name.toString());
  assert.deepEqual(names, Array.from({ length: count }, (_, file) => `f${file}`).sort());
});

test("thousands of directories are sealed by the threads, and all are there", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  for (let outer = 0; outer < 50; outer++) {
    for (let inner = 0; inner < 60; inner++)
      mkdirSync(join(source, `o${outer}`, `i${inner}`, "leaf"), { recursive: true });
  }
  const pool = createBlobWorkerPool(repo, 2);
  t.after(() => pool.close());
  const result = await backUp({ pool });
  assert.equal(result.summary.dirsNew, 50 + 50 * 60 * 2);
  assert.ok(pool.startedThreads > 0);
  assert.equal((await pathsIn(repo, result.treeId)).length, result.summary.dirsNew);
  const again = await backUp({ pool });
  assert.deepEqual([again.isUnchanged, again.summary.dirsUnmodified], [true, result.summary.dirsNew]);
});

test("progress ends with the totals that the scan foretold", async (t) => {
  const { source, backUp } = await fixture(t);
  fill(source, { a: "12345", "b/c": "123", "b/skip.log": "1234567", "d/": "" });
  symlinkSync("a", join(source, "link"));
  const reports: ArchiveProgress[] = [];
  await backUp({ excludes: { patterns: ["*.log"] }, onProgress: (progress) => reports.push(progress) });
  const last = reports.at(-1);
  assert.deepEqual([last?.filesDone, last?.bytesDone, last?.totalFiles, last?.totalBytes], [2, 8, 2, 8]);
  assert.deepEqual([last?.dirsDone, last?.isScanned, last?.errorCount], [2, true, 0]);
});

/** rmSync gives up where paths become too long: level by level instead. */
function removeDeep(root: string): void {
  const path = join(root, "nested directory");
  const next = join(root, "next");
  while (existsSync(path)) {
    const inner = join(path, "nested directory");
    if (existsSync(inner)) renameSync(inner, next);
    rmSync(path, { recursive: true });
    if (existsSync(next)) renameSync(next, path);
  }
}

test("attributes that change while the content stays are stored, and those that stay are kept", async (t) => {
  const { source, repo, backUp } = await fixture(t);
  fill(source, { changed: "c", removed: "r", same: "s" });
  const set = (name: string, value: string): void =>
    systemCalls.lsetxattr(Buffer.from(join(source, name)), "user.color", Buffer.from(value));
  for (const name of ["changed", "removed", "same"]) set(name, "red");
  // Late enough that what the kernel says of the files counts as settled.
  await backUp({ clock: () => Date.now() + 60_000 });
  set("changed", "blue");
  systemCalls.lremovexattr(Buffer.from(join(source, "removed")), "user.color");
  const { treeId, summary } = await backUp({ clock: () => Date.now() + 120_000 });
  const stored = [...iterateTree(await repo.loadTree(treeId))].map(({ name, extendedAttributes }) => [
    name.toString(),
    extendedAttributes.map(({ name: attribute, value }) => `${attribute}=${value}`).join(),
  ]);
  assert.deepEqual(stored, [
    ["changed", "user.color=blue"],
    ["removed", ""],
    ["same", "user.color=red"],
  ]);
  assert.equal(summary.dataBlobs, 0);
});
