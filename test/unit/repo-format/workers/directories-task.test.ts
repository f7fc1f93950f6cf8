import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import {
  type DirectoriesResult,
  directoryState,
  runDirectoriesTask,
} from "../../../../repo-format/workers/directories-task.ts";
import { metadataOf, namesOf } from "../../../../repo-format/workers/entry-columns.ts";
import { newFilesOf } from "../../../../repo-format/workers/new-files.ts";
import { aclForAnotherUser } from "../../../support/access-list.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const metadata = { ...owner, mode: 0o751, seconds: 1_577_934_245, nanoseconds: 6 };
const { failed, there, finished } = directoryState;

interface Rows {
  /** Name, row above (-1: the target), and whether it may be finished. */
  readonly directories: readonly (readonly [name: string, parent: number, mayFinish?: boolean])[];
  readonly files?: readonly (readonly [name: string, directory: number])[];
  readonly isMaking?: boolean;
}

function run(scope: Scope, path: string, { directories, files = [], isMaking = true }: Rows): DirectoriesResult {
  const target = DirectoryHandle.openRoot(path);
  scope.after(() => target.close());
  const open = readdirSync("/proc/self/fd").length;
  const result = runDirectoriesTask({
    kind: "directories",
    isMaking,
    directories: {
      ...namesOf(directories.map(([name]) => name)),
      parents: Int32Array.from(directories, ([, parent]) => (parent < 0 ? -1 - target.fd : parent)),
      metadata: metadataOf(directories.map(() => metadata)),
      mayFinish: Uint8Array.from(directories, ([, , mayFinish = true]) => (mayFinish ? 1 : 0)),
    },
    files: newFilesOf(
      files.map(([name, directory]) => ({ name, directory, metadata })),
      { isRoot: owner.uid === 0, isIdentified: false },
    ),
  });
  assert.equal(readdirSync("/proc/self/fd").length, open, "nothing stays open");
  return result;
}

function isFinished(path: string): boolean {
  const stat = lstatSync(path, { bigint: true });
  return stat.mtimeNs === 1_577_934_245_000_000_006n && (stat.mode & 0o7777n) === 0o751n;
}

const wide: Rows = {
  directories: [
    ["a", -1],
    ["b", 0],
    ["c", 1],
    ["d", 0],
    ["e", -1],
  ],
  files: [
    ["one", 0],
    ["two", 2],
    ["three", 2],
    ["four", 3],
  ],
};

test("directories are made with their files, and have their metadata after all that is in them", (t) => {
  const path = temporaryDirectory(t);
  const result = run(t, path, wide);
  assert.deepEqual([...result.states], [finished, finished, finished, finished, finished]);
  const made = readdirSync(path, { recursive: true }).map(String).sort();
  assert.deepEqual(made, ["a", "a/b", "a/b/c", "a/b/c/three", "a/b/c/two", "a/d", "a/d/four", "a/one", "e"]);
  for (const name of made) assert.ok(isFinished(join(path, name)), name);
  assert.deepEqual([result.failures, result.problems, result.failedFiles, result.unfinishedFiles], [[], [], [], []]);
});

test("a directory that gets more later is private until then, and so are those above it", (t) => {
  const path = temporaryDirectory(t);
  const result = run(t, path, {
    directories: [
      ["a", -1, false],
      ["b", 0, false],
      ["c", 0],
    ],
  });
  assert.deepEqual([...result.states], [there, there, finished]);
  assert.deepEqual(
    ["a", "a/b"].map((name) => statSync(join(path, name)).mode & 0o777),
    [0o700, 0o700],
  );
  const again = run(t, path, {
    directories: [
      ["a", -1],
      ["b", 0],
    ],
    isMaking: false,
  });
  assert.deepEqual([...again.states], [finished, finished]);
  for (const name of ["a", "a/b", "a/c"]) assert.ok(isFinished(join(path, name)), name);
});

test("what stands in the place of a directory is not followed, and nothing below it is touched; the rest is made", (t) => {
  const path = temporaryDirectory(t);
  const outside = temporaryDirectory(t);
  mkdirSync(join(path, "a"));
  symlinkSync(outside, join(path, "a/b"));
  for (const isMaking of [true, false]) {
    const directories = [
      ["b", -1],
      ["c", 0],
      ["d", -1],
    ] as const;
    if (!isMaking) mkdirSync(join(outside, "c"));
    const result = run(t, join(path, "a"), {
      directories,
      files: isMaking
        ? [
            ["in b", 0],
            ["in c", 1],
            ["in d", 2],
          ]
        : [],
      isMaking,
    });
    assert.deepEqual([...result.states], [failed, failed, finished]);
    assert.deepEqual(
      result.failures.map(({ directory, error }) => [directory, error.details?.errno]),
      [[0, isMaking ? "EEXIST" : "ENOTDIR"]],
    );
    assert.deepEqual(readdirSync(outside), isMaking ? [] : ["c"]);
    assert.equal(existsSync(join(path, "a/d/in d")), true);
  }
  assert.equal(isFinished(join(outside, "c")), false);
});

test("a name that leads out of the directory is refused", (t) => {
  const path = join(temporaryDirectory(t), "target");
  mkdirSync(path);
  const result = run(t, path, {
    directories: [
      ["../a", -1],
      ["..", -1],
      ["", -1],
      ["good", -1],
    ],
    files: [["../b", 3]],
  });
  assert.deepEqual([...result.states], [failed, failed, failed, there]);
  assert.deepEqual(
    [...result.failures, ...result.failedFiles].map(({ error }) => error.code),
    Array(4).fill("unsafe-name"),
  );
  assert.deepEqual(readdirSync(path, { recursive: true }), ["good"]);
  assert.equal(isFinished(join(path, "good")), false, "what lacks a file must not look complete");
});

test("directories and files that inherit attributes are left to somebody who removes them", (t) => {
  const path = temporaryDirectory(t);
  try {
    systemCalls.lsetxattr(Buffer.from(path), "system.posix_acl_default", aclForAnotherUser);
  } catch {
    t.skip("the file system has no access lists");
    return;
  }
  const result = run(t, path, wide);
  assert.deepEqual([...result.states], [there, there, there, there, there]);
  assert.deepEqual(
    result.unfinishedFiles.map(({ file, isFinished: isDone }) => [file, isDone]),
    [0, 1, 2, 3].map((file) => [file, false]),
  );
  assert.equal(isFinished(join(path, "a/b")), false);
});

test("a file whose name is taken keeps its directory, and those above it, from being finished", (t) => {
  const path = temporaryDirectory(t);
  const twice: Rows = {
    directories: [
      ["a", -1],
      ["b", 0],
      ["c", 0],
    ],
    files: [
      ["x", 1],
      ["x", 1],
      ["y", 2],
    ],
  };
  const result = run(t, path, twice);
  assert.deepEqual([...result.states], [there, there, finished]);
  assert.deepEqual(
    result.failedFiles.map(({ file, isMade, error }) => [file, isMade, error.details?.errno]),
    [[1, false, "EEXIST"]],
  );
});
