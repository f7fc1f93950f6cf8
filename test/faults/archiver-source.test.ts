// Files that vanish, grow, are replaced or change while a backup runs: the run always ends, says what happened, and what
// it stored is what was there at some moment.
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { iterateTree } from "../../repo-format/format/tree.ts";
import { type ArchiveFixture, archiveFixture } from "../support/archive-fixture.ts";
import { seededBytes } from "../support/memory-repository.ts";

const mebibyte = 1024 * 1024;

/**
 * Backs up; `change` runs when everything before the directory "m" was seen by lstat, and nothing of it was read yet:
 * small files are collected first.
 */
function changedMidway({ source, backUp }: ArchiveFixture, change: () => void): Promise<ArchiveResult> {
  mkdirSync(join(source, "m"));
  return backUp({ onItem: ({ path }) => path === "/m" && change() });
}

function warningsOf(result: ArchiveResult): string[][] {
  return result.warnings.map(({ path, kind }) => [path, kind]);
}

test("files that changed between being listed and being read are stored as they are now, or reported", async (t) => {
  const fixture = await archiveFixture(t);
  const { source, target, repo, restic, assertSound } = fixture;
  const at = (name: string): string => join(source, name);
  for (const name of ["gone", "grown", "huge", "link", "new", "same", "short"]) writeFileSync(at(name), `old ${name}`);
  const result = await changedMidway(fixture, () => {
    rmSync(at("gone"));
    appendFileSync(at("grown"), seededBytes("grown", 3 * mebibyte));
    appendFileSync(at("huge"), seededBytes("huge", 20 * mebibyte));
    rmSync(at("link"));
    symlinkSync("/etc/hostname", at("link"));
    writeFileSync(at("other"), "another file took its place");
    renameSync(at("other"), at("new"));
    truncateSync(at("short"), 2);
  });
  assert.deepEqual(warningsOf(result).sort(), [
    ["/gone", "vanished"],
    ["/link", "unreadable"],
  ]);
  await assertSound();
  await restic(["restore", "latest", "--target", target]);
  for (const name of ["grown", "huge", "new", "same", "short"]) {
    assert.ok(readFileSync(join(target, name)).equals(readFileSync(at(name))), name);
  }
  // The nodes are those of the files that were read: nothing has to be read again.
  const again = await fixture.backUp();
  assert.deepEqual([again.summary.filesUnmodified, again.summary.filesNew, again.summary.filesChanged], [5, 0, 0]);
  assert.ok([...iterateTree(await repo.loadTree(again.treeId))].some((node) => node.type === "symlink"));
});

test("entries that vanish before they are looked at are reported, directories and their children too", async (t) => {
  const fixture = await archiveFixture(t);
  const { source, assertSound } = fixture;
  mkdirSync(join(source, "z directory", "sub"), { recursive: true });
  writeFileSync(join(source, "n file"), "x");
  writeFileSync(join(source, "p file"), "x");
  const result = await changedMidway(fixture, () => {
    rmSync(join(source, "n file"));
    rmSync(join(source, "p file"));
    mkdirSync(join(source, "p file"));
    rmSync(join(source, "z directory"), { recursive: true });
  });
  assert.deepEqual(warningsOf(result), [
    ["/n file", "vanished"],
    ["/z directory", "vanished"],
  ]);
  assert.equal(result.summary.dirsNew, 2);
  await assertSound();
});

test("a file that changes while it is read is marked, and never taken for unchanged by the next backup", async (t) => {
  const { source, repo, backUp, assertSound } = await archiveFixture(t);
  const path = join(source, "busy");
  writeFileSync(path, seededBytes("busy", 30 * mebibyte));
  // The first bytes are done when the first range is; the file is changed behind the reader's back then.
  let isChanged = false;
  const result = await backUp({
    onProgress: ({ bytesDone }) => {
      if (isChanged || bytesDone === 0) return;
      isChanged = true;
      appendFileSync(path, "more");
    },
  });
  const [node] = iterateTree(await repo.loadTree(result.treeId));
  if (isChanged && result.warningCount > 0) {
    assert.deepEqual(warningsOf(result), [["/busy", "changed"]]);
    assert.equal(node?.size, 30 * mebibyte, "what was added after the start is not read");
  }
  await assertSound();
  const again = await backUp();
  assert.deepEqual([again.summary.filesChanged, again.warningCount], [isChanged ? 1 : 0, 0]);
});

test("under a source that never rests every backup ends and is sound", async (t) => {
  const { source, backUp, assertSound } = await archiveFixture(t);
  for (let file = 0; file < 60; file++) writeFileSync(join(source, `f${file}`), seededBytes(file, file * 3000));
  const mutator = new Worker(mutatorCode, { eval: true, workerData: source });
  t.after(() => mutator.terminate());
  await new Promise((resolve) => mutator.once("message", resolve));
  let warnings = 0;
  for (let round = 0; round < 8; round++) {
    const result = await backUp();
    assert.notEqual(result.snapshotId, undefined);
    warnings += result.warningCount;
  }
  t.diagnostic(`${warnings} warnings`);
  await mutator.terminate();
  await assertSound();
  const calm = await backUp();
  assert.equal(calm.warningCount, 0);
  const again = await backUp();
  assert.deepEqual([again.summary.filesChanged, again.treeId], [0, calm.treeId]);
});

/** Appends, truncates, removes, replaces, moves, as fast as it can. */
const mutatorCode = `
const { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { parentPort, workerData: root } = require("node:worker_threads");
let state = 1;
const random = (below) => { state = Math.imul(state, 1103515245) + 12345 | 0; return (state >>> 8) % below; };
const attempt = (action) => { try { action(); } catch {} };
for (let step = 0; ; step++) {
  const path = join(root, "f" + random(80));
  const other = join(root, "f" + random(80));
  switch (random(7)) {
    case 0: attempt(() => appendFileSync(path, Buffer.alloc(random(200000), step))); break;
    case 1: attempt(() => truncateSync(path, random(50000))); break;
    case 2: attempt(() => rmSync(path, { recursive: true })); break;
    case 3: attempt(() => renameSync(path, other)); break;
    case 4: attempt(() => mkdirSync(path)); break;
    case 5: attempt(() => writeFileSync(join(path, "in it"), "x")); break;
    default: attempt(() => writeFileSync(path, Buffer.alloc(random(300000), step)));
  }
  if (step === 100) parentPort.postMessage("running");
}`;

test("a file whose times do not move is only as new as its change time", async (t) => {
  const { source, backUp } = await archiveFixture(t);
  const path = join(source, "file");
  writeFileSync(path, "first");
  utimesSync(path, 1000, 1000);
  await backUp();
  writeFileSync(path, "other");
  utimesSync(path, 1000, 1000);
  const result = await backUp();
  assert.deepEqual([result.summary.filesChanged, result.summary.dataBlobs], [1, 1]);
});
