// Somebody works against a restore in its own target: directories and files are swapped for links that lead outside while
// data and metadata are written. The restore ends, and outside nothing changes: no byte, no mode, no time, no entry.
import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { archive } from "../../repo-format/archiver/archive.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { idOf, type SnapshotId } from "../../repo-format/format/id.ts";
import { restore } from "../../repo-format/restorer/restore.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { createTestRepository, seededBytes } from "../support/memory-repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const directoryCount = 10;
const fileCount = 12;

/** Everything about the entries, their bytes as a hash. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path, { bigint: true });
      const content = stat.isFile() ? idOf(readFileSync(path)) : "";
      return [name, stat.mode, stat.uid, stat.gid, stat.nlink, stat.mtimeNs, stat.ino, content].join(" ");
    });
}

function fill(folder: string, what: string, mode: number): void {
  for (let directory = 0; directory < directoryCount; directory++) {
    mkdirSync(join(folder, `d${directory}`), { recursive: true });
    for (let file = 0; file < fileCount; file++) {
      const path = join(folder, `d${directory}`, `f${file}`);
      writeFileSync(path, seededBytes(`${what} ${directory} ${file}`, 20_000));
      chmodSync(path, mode);
    }
  }
}

test("a target whose entries are swapped for links during a restore leads nowhere outside", async (t) => {
  const source = temporaryDirectory(t, "source");
  const outside = temporaryDirectory(t, "outside");
  const target = temporaryDirectory(t, "target");
  fill(source, "source", 0o6755);
  fill(outside, "outside", 0o600);
  const repo = await createTestRepository();
  const { snapshotId } = await archive(repo, backupDefaults(source));
  const before = stateOf(outside);
  const swapper = new Worker(swapperCode, { eval: true, workerData: { target, outside, directoryCount, fileCount } });
  await new Promise((resolve) => swapper.once("message", resolve));
  const endings = new Map<string, number>();
  try {
    for (let round = 0; round < 16; round++) {
      const options = { snapshotId: snapshotId as SnapshotId, target, restoreDevices: false, threads: 2 };
      const ending = await restore(repo, { ...options, delete: round % 2 === 1, verify: round % 4 > 1 }).then(
        ({ failure }) => failure?.code ?? "complete",
        (error: unknown) => {
          assert.ok(RepositoryError.is(error), `${error}`);
          return error.code;
        },
      );
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
      assert.deepEqual(stateOf(outside), before);
    }
  } finally {
    // Before the directories are removed: it would go on filling them.
    await swapper.terminate();
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(endings)));
});

/** Puts links in the place of entries for a moment, again and again. It looks before it goes through a directory itself. */
const swapperCode = `
const { lstatSync, mkdirSync, renameSync, rmSync, rmdirSync, symlinkSync, unlinkSync } = require("node:fs");
const { join } = require("node:path");
const { parentPort, workerData: { target, outside, directoryCount, fileCount } } = require("node:worker_threads");
let state = 11;
const random = (below) => { state = Math.imul(state, 1103515245) + 12345 | 0; return (state >>> 8) % below; };
const attempt = (action) => { try { action(); } catch {} };
const inside = (directory, action) => attempt(() => { if (lstatSync(directory).isDirectory()) action(); });
const away = join(target, "away");
const swap = (path, to) => {
  attempt(() => renameSync(path, away));
  attempt(() => symlinkSync(to, path));
  for (let turn = random(20000); turn > 0; turn--) Math.sqrt(turn);
  attempt(() => unlinkSync(path));
  attempt(() => renameSync(away, path));
  attempt(() => rmSync(away, { recursive: true }));
};
for (let step = 0; ; step++) {
  const d = "d" + random(directoryCount), f = "f" + random(fileCount);
  const directory = join(target, d), file = join(directory, f);
  switch (random(8)) {
    case 0: inside(directory, () => { unlinkSync(file); mkdirSync(file); rmdirSync(file); }); break;
    case 1: case 2: case 3: inside(directory, () => swap(file, join(outside, d, f))); break;
    default: swap(directory, join(outside, d));
  }
  if (step === 50) parentPort.postMessage("running");
}`;
