// The comparison that all tests of backup and restore stand on must itself find every kind of difference, and the trees
// that they use must come out the same for the same seed.
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import { changeTree } from "../support/change-tree.ts";
import { compareTrees } from "../support/compare-trees.ts";
import { writeRandomTree } from "../support/random-tree.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const isRoot = process.getuid?.() === 0;

test("the same seed makes the same tree, another seed another one", (t) => {
  const [first, second, other] = [1, 1, 2].map((seed) => {
    const folder = temporaryDirectory(t, "random");
    writeRandomTree(folder, { seed, devices: true });
    return folder;
  });
  assert.deepEqual(compareTrees(first!, second!), []);
  assert.notDeepEqual(compareTrees(first!, other!), []);
});

test("a changed tree differs from what it was", (t) => {
  const [before, after] = [temporaryDirectory(t, "before"), temporaryDirectory(t, "after")];
  for (const folder of [before, after]) writeRandomTree(folder, { seed: 3, entries: 50 });
  assert.ok(changeTree(after, 3, 10) > 0);
  assert.notDeepEqual(compareTrees(before, after), []);
});

const differences: Readonly<Record<string, { change: (folder: string) => void; found: RegExp; rootOnly?: boolean }>> = {
  "a changed byte": {
    change: (folder) => writeFileSync(join(folder, "file"), "contenT"),
    found: /"file": content differs/,
  },
  "another length": {
    change: (folder) => appendFileSync(join(folder, "file"), "!"),
    found: /"file": size 8 instead of 7/,
  },
  "another mode": { change: (folder) => chmodSync(join(folder, "file"), 0o600), found: /"file": mode 0100600 instead/ },
  "a setuid bit": {
    change: (folder) => chmodSync(join(folder, "file"), 0o4644),
    found: /"file": mode 0104644 instead/,
  },
  "another owner": {
    change: (folder) => chownSync(join(folder, "file"), 7, 8),
    found: /"file": owner 7:8 instead/,
    rootOnly: true,
  },
  "a time that is a nanosecond off": {
    change: (folder) => systemCalls.utimensat(Buffer.from(join(folder, "file")), 0n, 1_000_000_000_000_000_001n),
    found: /"file": mtime 1000000000000000001 instead of 1000000000000000000/,
  },
  "a directory's time": { change: (folder) => utimesSync(join(folder, "folder"), 5, 5), found: /"folder": mtime/ },
  "a link's time": { change: (folder) => lutimesSync(join(folder, "link"), 5, 5), found: /"link": mtime/ },
  "another link target": {
    change: (folder) => replaceLink(join(folder, "link"), "elsewhere"),
    found: /"link": target "elsewhere" instead of "file"/,
  },
  "another type": {
    change: (folder) => {
      rmSync(join(folder, "file"));
      mkdirSync(join(folder, "file"));
    },
    found: /"file": type/,
  },
  "a missing entry": { change: (folder) => rmSync(join(folder, "folder", "inner")), found: /"folder\/inner": missing/ },
  "an entry too many": {
    change: (folder) => writeFileSync(join(folder, "folder", "more"), ""),
    found: /"folder\/more": unexpected/,
  },
  "an attribute": {
    change: (folder) => systemCalls.lsetxattr(Buffer.from(join(folder, "file")), "user.x", Buffer.from("2")),
    found: /"file": attributes "user\.x"=32 instead of "user\.x"=31/,
  },
  "a hard link that became a copy": {
    change: (folder) => {
      rmSync(join(folder, "twin"));
      writeFileSync(join(folder, "twin"), "content");
    },
    found: /"twin": hard link to nothing instead of "file"/,
  },
  "the root's mode": { change: (folder) => chmodSync(folder, 0o711), found: /^\.: mode/m },
};

for (const [what, { change, found, rootOnly }] of Object.entries(differences)) {
  test(`${what} is found`, { skip: rootOnly === true && !isRoot ? "needs root" : false }, (t) => {
    const [expected, actual] = [sampleTree(t), sampleTree(t)];
    assert.deepEqual(compareTrees(expected, actual), []);
    change(actual);
    assert.match(compareTrees(expected, actual).join("\n"), found);
  });
}

test("a hole that was filled is found where holes are asked for", (t) => {
  const [expected, actual] = [sampleTree(t), sampleTree(t)];
  writeFileSync(join(expected, "sparse"), "");
  truncateSync(join(expected, "sparse"), 1_000_000);
  writeFileSync(join(actual, "sparse"), Buffer.alloc(1_000_000));
  for (const folder of [expected, actual]) setTimes(folder);
  assert.deepEqual(compareTrees(expected, actual, { root: false, times: false }), []);
  assert.match(
    compareTrees(expected, actual, { times: false, holes: true }).join("\n"),
    /"sparse": takes \d+ bytes more/,
  );
});

function sampleTree(t: TestContext): string {
  const folder = temporaryDirectory(t, "compare");
  mkdirSync(join(folder, "folder"));
  writeFileSync(join(folder, "folder", "inner"), "inner");
  writeFileSync(join(folder, "file"), "content");
  linkSync(join(folder, "file"), join(folder, "twin"));
  symlinkSync("file", join(folder, "link"));
  systemCalls.lsetxattr(Buffer.from(join(folder, "file")), "user.x", Buffer.from("1"));
  setTimes(folder);
  return folder;
}

function setTimes(folder: string): void {
  for (const name of ["folder/inner", "folder", "file", "link", "."]) {
    systemCalls.utimensat(Buffer.from(join(folder, name)), 0n, 1_000_000_000_000_000_000n);
  }
}

function replaceLink(path: string, target: string): void {
  rmSync(path);
  symlinkSync(target, path);
}
