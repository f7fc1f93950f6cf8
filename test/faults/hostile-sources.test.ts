// Volumes whose owner wants harm: entries that are swapped for links, pipes and directories while a backup runs, files and
// paths of impossible size. The backup ends, memory and descriptors stay bounded, and nothing outside is read.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Worker } from "node:worker_threads";
import { DirectoryHandle, maxPathBytes } from "../../repo-format/file-tree/directory-handle.ts";
import { makeDirectory } from "../../repo-format/file-tree/write-node.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { archiveFixture } from "../support/archive-fixture.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { seededBytes, storedKeys } from "../support/memory-repository.ts";
import { runProcess } from "../support/processes.ts";
import { restoreInThread } from "../support/restorer-fixture.ts";
import { smallDisk } from "../support/small-disk.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const levelName = Buffer.from("12345678");

test("entries swapped for links, pipes and directories while a backup runs lead nowhere outside, and never hang it", async (t) => {
  const { source, backUp, repo, assertSound } = await archiveFixture(t);
  const outside = temporaryDirectory(t, "outside");
  const secrets = Array.from({ length: 4 }, (_, number) => seededBytes(`secret ${number}`, 5000));
  for (const [number, secret] of secrets.entries()) writeFileSync(join(outside, `f${number}`), secret);
  for (let directory = 0; directory < 12; directory++) {
    mkdirSync(join(source, `d${directory}`));
    for (let file = 0; file < 8; file++)
      writeFileSync(join(source, `d${directory}`, `f${file}`), seededBytes(file, 5000));
  }
  writeFileSync(join(source, "big"), seededBytes("big", 12 * mebibyte));
  const swapper = new Worker(swapperCode, { eval: true, workerData: { source, outside } });
  await new Promise((resolve) => swapper.once("message", resolve));
  try {
    for (let round = 0; round < 12; round++) {
      const { snapshotId } = await backUp({ parent: "none" });
      assert.ok(snapshotId);
      const restored = await restoreInThread(repo, { snapshotId, target: temporaryDirectory(t, "restored") });
      assert.equal(restored.failure, undefined);
    }
  } finally {
    // Before the directories are removed: it would go on filling them.
    await swapper.terminate();
  }
  for (const secret of secrets) assert.equal(repo.index.has("data", idOf<BlobId>(secret)), false, "a secret was read");
  await assertSound();
});

/** Puts something else in an entry's place for a moment, again and again: the tree itself stays as rich as it was. */
const swapperCode = `
const { appendFileSync, linkSync, mkdirSync, renameSync, rmdirSync, symlinkSync, truncateSync, unlinkSync } = require("node:fs");
const { execFileSync } = require("node:child_process");
const { join } = require("node:path");
const { parentPort, workerData: { source, outside } } = require("node:worker_threads");
let state = 7;
const random = (below) => { state = Math.imul(state, 1103515245) + 12345 | 0; return (state >>> 8) % below; };
const attempt = (action) => { try { action(); } catch {} };
const fifo = join(source, "fifo");
execFileSync("mkfifo", [fifo]);
const away = join(source, "away");
const swap = (path, put, take = unlinkSync) => {
  renameSync(path, away);
  put();
  for (let turn = random(3000); turn > 0; turn--) Math.sqrt(turn);
  take(path);
  renameSync(away, path);
};
for (let step = 0; ; step++) {
  const directory = join(source, "d" + random(12));
  const name = "f" + random(4);
  const file = join(directory, name);
  switch (random(7)) {
    case 0: swap(file, () => symlinkSync(join(outside, name), file)); break;
    case 1: swap(file, () => linkSync(fifo, file)); break;
    case 2: swap(file, () => mkdirSync(file), rmdirSync); break;
    case 3: swap(directory, () => symlinkSync(outside, directory)); break;
    case 4: swap(file, () => linkSync(join(source, "big"), file)); break;
    case 5: truncateSync(join(source, "big"), 8000000 + random(8000000)); break;
    default: appendFileSync(file, Buffer.alloc(random(900), step)); truncateSync(file, 5000);
  }
  if (step === 50) parentPort.postMessage("running");
}`;

test("a file that became a link or a pipe after it was listed is neither followed nor waited for", async (t) => {
  const { source, backUp, repo } = await archiveFixture(t);
  const secret = seededBytes("secret", 3000);
  const outside = temporaryDirectory(t, "outside");
  writeFileSync(join(outside, "secret"), secret);
  for (const name of ["link", "pipe", "steady"]) writeFileSync(join(source, name), seededBytes(name, 3000));
  // Comes after the files, which are listed then and not read yet.
  mkdirSync(join(source, "z"));
  let isSwapped = false;
  const swap = (): void => {
    isSwapped = true;
    for (const name of ["link", "pipe"]) unlinkSync(join(source, name));
    symlinkSync(join(outside, "secret"), join(source, "link"));
    assert.equal(spawnSync("mkfifo", [join(source, "pipe")]).status, 0);
  };
  const result = await backUp({ onItem: ({ path }) => path === "/z" && swap() });
  assert.ok(isSwapped);
  assert.deepEqual(
    result.warnings.map(({ path, kind }) => [path, kind]),
    [
      ["/link", "unreadable"],
      ["/pipe", "unreadable"],
    ],
  );
  assert.equal(repo.index.has("data", idOf<BlobId>(secret)), false);
  assert.ok(repo.index.has("data", idOf<BlobId>(seededBytes("steady", 3000))));
});

test("a file that claims exabytes is left out and named; one of terabytes of nothing is stored", async (t) => {
  const disk = smallDisk(t, 2);
  if (disk === undefined) return;
  const { backUp, repo } = await archiveFixture(t);
  const huge = join(disk.path, "huge");
  closeSync(openSync(huge, "w"));
  // Node's own calls take no such number.
  assert.equal(spawnSync("truncate", ["-s", "7E", huge]).status, 0);
  writeFileSync(join(disk.path, "hole"), "");
  truncateSync(join(disk.path, "hole"), 1024 ** 4);
  const result = await backUp({ targets: [disk.path] });
  assert.deepEqual(
    result.warnings.map(({ path, kind }) => [path, kind]),
    [["/huge", "unreadable"]],
  );
  assert.match(result.warnings[0]?.message ?? "", /8070450532247928832 bytes/);
  assert.equal(result.summary.totalBytesProcessed, 1024 ** 4);
  assert.ok(repo.index.blobCount < 10);
});

test("a directory tree without end is stored down to a depth that can be restored", async (t) => {
  const { source, target, backUp, repo } = await archiveFixture(t);
  const stored = Math.floor(maxPathBytes / (levelName.length + 1));
  makeDeep(source, stored + 500);
  // rm goes down without paths; ours would, too, but this is about something else.
  t.after(() => void spawnSync("rm", ["-rf", source, target]));
  const result = await backUp({ excludes: { patterns: ["*.nothing"] } });
  assert.equal(result.warningCount, 1);
  assert.match(result.warnings[0]?.message ?? "", /16384 bytes/);
  assert.equal(result.summary.dirsNew, stored);
  assert.ok(result.snapshotId);
  const restored = await restoreInThread(repo, { snapshotId: result.snapshotId, target });
  assert.equal(restored.failure, undefined);
  assert.equal(restored.filesRestored, stored);
});

function makeDeep(root: string, levels: number): void {
  let directory = DirectoryHandle.openRoot(root);
  for (let level = 0; level < levels; level++) {
    makeDirectory(directory, levelName);
    const child = directory.openChild(levelName);
    directory.close();
    directory = child;
  }
  directory.close();
}

test("without descriptors a backup fails as a whole: no snapshot lacks files for want of them", async (t) => {
  const source = temporaryDirectory(t, "source");
  for (let directory = 0; directory < 200; directory++) {
    mkdirSync(join(source, `d${directory}`));
    writeFileSync(join(source, `d${directory}`, "file"), seededBytes(directory, 20_000));
  }
  const child = `
    import { archive } from "./repo-format/archiver/archive.ts";
    import { backupDefaults } from "./test/support/archive-fixture.ts";
    import { createTestRepository, storedKeys } from "./test/support/memory-repository.ts";
    const repo = await createTestRepository();
    await archive(repo, backupDefaults(process.argv[1])).catch((error) => console.log(error.code, error.message));
    console.log(await storedKeys(repo.storage, "snapshots/"));`;
  const result = await runProcess("sh", {
    args: ["-c", 'ulimit -n 60; exec "$0" -e "$1" "$2"', process.execPath, child, source],
    cwd: join(import.meta.dirname, "..", ".."),
  });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^resources-exhausted .*too many open files/);
  assert.match(result.stdout, /\[\]\n$/);
});

test("a backup that fails while names wait for the content of a file leaves no descriptor open", async (t: TestContext) => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const { source, backUp } = await archiveFixture(t, { storage });
  writeFileSync(join(source, "big"), seededBytes("big", 30 * mebibyte));
  for (let directory = 0; directory < 100; directory++) {
    mkdirSync(join(source, `d${directory}`));
    linkSync(join(source, "big"), join(source, `d${directory}`, "link"));
    writeFileSync(join(source, `d${directory}`, "own"), seededBytes(directory, 200_000));
  }
  let packs = 0;
  storage.plan = (call) => {
    if (call.method === "put" && call.key.startsWith("data/") && ++packs > 1) throw unavailable(call);
    return undefined;
  };
  for (let round = 0; round < 3; round++) {
    await assert.rejects(backUp(), { code: "storage-unavailable" });
    assert.deepEqual(openBelow(source), []);
  }
  assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
});

function openBelow(folder: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The descriptor of this very listing.
      return [];
    }
  });
}
