// What volumes that follow each other in one repository ask of its store: counted, not timed.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type BackedUpVolume, backUpVolume } from "../../agent/data-path/backup-volume.ts";
import { KeptLocks } from "../../agent/data-path/kept-locks.ts";
import { KeptNotes } from "../../agent/data-path/kept-notes.ts";
import { KeptThreads } from "../../agent/data-path/kept-threads.ts";
import type { Repository } from "../../repo-format/index.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { silentLogger } from "../../src/platform/logger.ts";
import { FaultyStorage } from "../support/faulty-storage.ts";
import { collect, createTestRepository, reopen, storedKeys } from "../support/memory-repository.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const folder = makeTemporaryDirectory("volume-cost");
const clock = systemClock;
const threads = new KeptThreads(clock, 1);
const locks = new KeptLocks(clock);
test.after(async () => {
  await locks.close();
  await threads.close();
  removeDirectory(folder);
});

function makeVolume(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "file"), `of ${name}`);
  return path;
}

/** @param hasNext whether another volume follows, which then gets the lock */
async function backUp(repository: Repository, path: string, hasNext: boolean, parent = ""): Promise<BackedUpVolume> {
  return await backUpVolume({
    ...{ repository, threads, locks, path, parentSnapshotId: parent },
    notes: new KeptNotes({ scratchDir: undefined, clock, log: silentLogger }),
    throttle: { passedBytes: 0 },
    tags: { volume: path },
    ...{ exclude: [], crossMounts: false, lockTimeoutMs: 0, parallelFiles: undefined, programVersion: "test" },
    monotonicClock: () => 0,
    control: {
      signal: new AbortController().signal,
      report: () => undefined,
      hasNext: () => hasNext,
      allButStored: () => undefined,
      moving: () => undefined,
    },
    onLockWait: () => undefined,
  });
}

/** "put locks" and the like, each as often as it was asked for. */
function requestsOf(storage: FaultyStorage): Record<string, number> {
  const names = storage.calls.splice(0).map(({ method, key }) => `${method} ${key.split("/")[0]}`);
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

test("the second volume under a lock asks the store for nothing but what is its own", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const repository = await createTestRepository({ storage });
  const paths = ["a", "b"].map((name) => makeVolume(name));
  storage.calls.length = 0;
  const first = await backUp(repository, paths[0] as string, true);
  const ofFirst = requestsOf(storage);
  assert.equal(ofFirst["put locks"], 1);
  assert.equal(ofFirst["list snapshots"], 1);
  assert.equal(ofFirst["list index"], 1);
  const second = await backUp(repository, paths[1] as string, true);
  // Packs for data and trees, their index, the look whether the lock is still there, the snapshot.
  assert.deepEqual(requestsOf(storage), { "put data": 2, "put index": 1, "list locks": 1, "put snapshots": 1 });
  const again = await backUp(repository, paths[0] as string, false, first.snapshotId);
  const ofLast = requestsOf(storage);
  assert.deepEqual(
    { ...ofLast, "getRange data": 0 },
    {
      ...{ "getRange data": 0, "list locks": 1, "put snapshots": 1, "delete locks": 1 },
    },
  );
  assert.equal(again.report.bytesRead, 0);
  assert.deepEqual(await storedKeys(storage, "locks/"), []);
  const stored = await collect((await reopen(storage)).snapshots());
  const ids = [first, second, again].map(({ snapshotId }) => stored.find(({ id }) => id.startsWith(snapshotId)));
  assert.equal(new Set(ids).size, 3);
  assert.equal(ids[2]?.snapshot.parent, ids[0]?.id);
});

test("a parent that another node has just made is found by its name, and its files are not read", async () => {
  const storage = new FaultyStorage(new InMemoryStorage());
  const here = await createTestRepository({ storage });
  const there = await reopen(storage);
  const path = makeVolume("moved");
  await backUp(here, makeVolume("c"), true);
  const parent = await backUp(there, path, false);
  const again = await backUp(here, path, false, parent.snapshotId);
  assert.deepEqual([again.report.bytesRead, again.report.bytesNew], [0, 0]);
});
