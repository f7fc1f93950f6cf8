import assert from "node:assert/strict";
import {
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  DirectoryLister,
  type ListerOptions,
  type ListingColumns,
  mostEntries,
  notListed,
  notToList,
} from "../../../../repo-format/file-tree/directory-lister.ts";
import { StatxRows } from "../../../../repo-format/file-tree/statx-rows.ts";
import { systemCalls } from "../../../../repo-format/file-tree/system-calls.ts";
import { openFilesBelow } from "../../../support/open-files.ts";
import { type Scope, temporaryDirectory } from "../../../support/temporary-directory.ts";

const lister = DirectoryLister.create() as DirectoryLister;

interface ListedTree {
  readonly columns: ListingColumns;
  /** Paths in the order of the rows. */
  readonly paths: string[];
}

function list(
  scope: Scope,
  roots: { path: string; after?: string }[],
  options: Partial<ListerOptions> = {},
): ListedTree {
  const opened = roots.map(({ path, after = "" }) => ({ fd: openSync(path, "r"), path: "", after }));
  scope.after(() => {
    for (const { fd } of opened) closeSync(fd);
  });
  const columns = lister.list(opened, {
    entries: 1000,
    attributesFromNs: 0n,
    isExcluded: () => false,
    isCancelled: () => false,
    ...options,
  });
  return { columns, paths: pathsOf(columns) };
}

function pathsOf({ names, nameEnds, children, starts, roots }: ListingColumns): string[] {
  const paths: string[] = new Array<string>(nameEnds.length);
  const fill = (directory: number, above: string): void => {
    for (let row = starts[directory] as number; row < (starts[directory + 1] as number); row++) {
      const name = Buffer.from(names.subarray(nameEnds[row - 1] ?? 0, (nameEnds[row] as number) - 1)).toString(
        "latin1",
      );
      paths[row] = `${above}${name}`;
      const child = children[row] as number;
      if (child >= 0) fill(child, `${above}${name}/`);
    }
  };
  for (const [index, directory] of roots.entries()) if (directory >= 0) fill(directory, index === 0 ? "" : `${index}:`);
  return paths;
}

/** d0/d0 … with a file in each. */
function writeDirectories(root: string, width: number, depth: number): void {
  writeFileSync(join(root, "file"), "");
  for (let index = 0; depth > 0 && index < width; index++) {
    mkdirSync(join(root, `d${index}`));
    writeDirectories(join(root, `d${index}`), width, depth - 1);
  }
}

function childrenBy({ columns, paths }: ListedTree): Record<string, number> {
  return Object.fromEntries(paths.map((path, row) => [path, columns.children[row] as number]));
}

test("a tree is listed directory by directory, names in order, each with what lstat says of it", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 2, 2);
  symlinkSync("d0", join(root, "link"));
  linkSync(join(root, "file"), join(root, "other-name"));
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), "x");
  const { columns, paths } = list(t, [{ path: root }]);
  assert.deepEqual(paths, [
    ...["d0", "d1", "file", "link", "other-name", "\xff"],
    ...["d0/d0", "d0/d1", "d0/file", "d0/d0/file", "d0/d1/file"],
    ...["d1/d0", "d1/d1", "d1/file", "d1/d0/file", "d1/d1/file"],
  ]);
  const stats = new StatxRows(columns.stats.buffer);
  for (const [row, path] of paths.entries()) {
    const expected = lstatSync(Buffer.from(`${root}/${path}`, "latin1"), { bigint: true });
    const { mode, ino, dev, nlink, size, mtimeNs, ctimeNs } = stats.stat(row);
    const { mode: m, ino: i, dev: d, nlink: n, size: s, mtimeNs: mt, ctimeNs: ct } = expected;
    assert.deepEqual([mode, ino, dev, nlink, size, mtimeNs, ctimeNs], [m, i, d, n, s, mt, ct], path);
  }
  const listed = childrenBy({ columns, paths });
  assert.deepEqual([listed.link, listed.file], [notToList, notToList]);
});

test("it stops where the entries are enough, and lists a directory to its end", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 3, 2);
  const tree = list(t, [{ path: root }], { entries: 5 });
  assert.deepEqual(tree.paths, ["d0", "d1", "d2", "file", "d0/d0", "d0/d1", "d0/d2", "d0/file"]);
  const { d0, d1, "d0/d0": below } = childrenBy(tree);
  assert.deepEqual([d0, d1, below], [1, notListed, notListed]);
});

test("several roots share the entries, and what one leaves over is for the next", (t) => {
  const [one, two, three] = [temporaryDirectory(t), temporaryDirectory(t), temporaryDirectory(t)];
  writeDirectories(one, 3, 1);
  writeDirectories(two, 1, 0);
  writeDirectories(three, 2, 1);
  const { paths } = list(t, [{ path: one }, { path: two }, { path: three }], { entries: 12 });
  assert.deepEqual(paths.slice(0, 5), ["d0", "d1", "d2", "file", "1:file"]);
  assert.ok(paths.includes("2:d1/file"));
  const { columns } = list(t, [{ path: one }, { path: two }], { entries: 1 });
  assert.deepEqual([...columns.roots], [0, notListed]);
});

test("only names behind a given one are listed", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 3, 1);
  assert.deepEqual(list(t, [{ path: root, after: "d1" }]).paths, ["d2", "file", "d2/file"]);
});

test("what is excluded is not entered", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 2, 2);
  const tree = list(t, [{ path: root }], { isExcluded: (path) => path === "/d0/d1" });
  const { "d0/d0": entered, "d0/d1": excluded } = childrenBy(tree);
  assert.deepEqual([entered, excluded], [2, notToList]);
});

test("another file system is not entered", (t) => {
  if (lstatSync("/proc").dev === lstatSync("/").dev) return t.skip("/proc is not mounted");
  const { proc } = childrenBy(list(t, [{ path: "/" }], { entries: 1 }));
  assert.equal(proc, notToList);
});

test("attributes are said to be absent only where the kernel was asked and has none", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 0, 0);
  writeFileSync(join(root, "marked"), "");
  try {
    systemCalls.lsetxattr(Buffer.from(join(root, "marked")), "user.one", Buffer.from("1"));
  } catch {
    return t.skip("the temporary directory keeps no attributes");
  }
  assert.deepEqual([...list(t, [{ path: root }]).columns.withoutAttributes], [1, 0]);
  const later = BigInt(Date.now() + 60_000) * 1_000_000n;
  assert.deepEqual([...list(t, [{ path: root }], { attributesFromNs: later }).columns.withoutAttributes], [0, 0]);
});

test("a directory of too many entries is left to others, and the next call begins anew", (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, "many"));
  mkdirSync(join(root, "next"));
  for (let index = 0; index <= mostEntries; index++) writeFileSync(join(root, "many", `${index}`), "");
  const { many, next } = childrenBy(list(t, [{ path: root }], { entries: 100_000 }));
  assert.deepEqual([many, next], [notListed, 1]);
  rmSync(join(root, "many", "0"));
  assert.equal(list(t, [{ path: join(root, "many") }]).paths.length, mostEntries);
});

test("a directory whose names take too much room is left to others", (t) => {
  const root = temporaryDirectory(t);
  for (let index = 0; index < 2200; index++) writeFileSync(join(root, `${index}`.padStart(250, "x")), "");
  assert.deepEqual([...list(t, [{ path: root }]).columns.roots], [notListed]);
});

test("what cannot be read is left to others, a run that was cancelled ends, and nothing stays open", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 2, 2);
  const before = openFilesBelow(root).length;
  const file = openSync(join(root, "file"), "r");
  t.after(() => closeSync(file));
  const options = { entries: 10, attributesFromNs: 0n, isExcluded: () => false, isCancelled: () => false };
  assert.deepEqual([...lister.list([{ fd: file, path: "", after: "" }], options).roots], [notListed]);
  assert.deepEqual([...lister.list([{ fd: -1, path: "", after: "" }], options).roots], [notListed]);
  let looks = 0;
  const { paths } = list(t, [{ path: root }], { isCancelled: () => ++looks > 2 });
  assert.deepEqual(paths, ["d0", "d1", "file", "d0/d0", "d0/d1", "d0/file"]);
  assert.equal(openFilesBelow(root).length, before + 2, "the file and the root");
});

test("a directory that was replaced by another since its name was looked at is not listed", (t) => {
  const root = temporaryDirectory(t);
  writeDirectories(root, 2, 1);
  // Excludes are asked between the look at the name and opening it.
  const isExcluded = (path: string): boolean => {
    if (path === "/d0") rmSync(join(root, "d0"), { recursive: true });
    if (path === "/d0") symlinkSync("d1", join(root, "d0"));
    if (path === "/d1") renameSync(join(root, "d1"), join(root, "old"));
    if (path === "/d1") mkdirSync(join(root, "d1"));
    return false;
  };
  const { d0, d1 } = childrenBy(list(t, [{ path: root }], { isExcluded }));
  assert.deepEqual([d0, d1], [notListed, notListed]);
});
