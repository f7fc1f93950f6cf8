import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statfsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  cacheFolderName,
  openCacheFolder,
  removeOldCaches,
} from "../../../../../repo-format/storage/cache/cache-directory.ts";
import { CacheSpace } from "../../../../../repo-format/storage/cache/cache-space.ts";
import { temporaryDirectory } from "../../../../support/temporary-directory.ts";

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const clock = (): number => now;

/** A copy of so many bytes, last used so many minutes ago. */
function addFile(folder: string, name: string, bytes: number, minutes: number): string {
  const path = join(folder, "index", name.slice(0, 2), name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, Buffer.alloc(bytes));
  utimesSync(path, now / 1000 - minutes * 60, now / 1000 - minutes * 60);
  return path;
}

describe("CacheSpace", () => {
  it("removes what was not used for longest, in the caches of all repositories, until there is some room", async (t) => {
    const directory = temporaryDirectory(t);
    const one = await openCacheFolder(directory, "s3:one", now);
    const two = await openCacheFolder(directory, "s3:two", now);
    const foreign = join(directory, "f".repeat(64));
    mkdirSync(foreign);
    writeFileSync(join(foreign, "file of restic"), Buffer.alloc(5000));
    const [old, older, fresh] = [addFile(one, "aa", 400, 50), addFile(two, "bb", 400, 90), addFile(two, "cc", 400, 1)];
    const space = new CacheSpace({ directory, maxBytes: 1000, clock });
    await space.added(0);
    assert.deepEqual([old, older, fresh].map(existsSync), [true, false, true]);
    await space.added(50);
    assert.deepEqual([old, fresh].map(existsSync), [true, true]);
    assert.deepEqual(readdirSync(foreign), ["file of restic"]);
  });

  it("counts what other processes add, and removes what a dead one has left half written", async (t) => {
    const directory = temporaryDirectory(t);
    const folder = await openCacheFolder(directory, "s3:one", now);
    const space = new CacheSpace({ directory, maxBytes: 1000, clock });
    await space.added(1);
    const paths = ["aa", "bb", "cc"].map((name, index) => addFile(folder, name, 400, 10 - index));
    const [abandoned, beingWritten] = [addFile(folder, "dd-tmp-1", 1, 61), addFile(folder, "ee-tmp-2", 1, 1)];
    for (let turn = 0; turn < 4; turn++) await space.added(16);
    assert.deepEqual(paths.map(existsSync), [false, true, true]);
    assert.deepEqual([abandoned, beingWritten].map(existsSync), [false, true]);
  });

  it("takes a tenth of the free space, and no more than 4 GiB", async (t) => {
    const directory = temporaryDirectory(t);
    const { bavail, bsize } = statfsSync(directory);
    const limit = await new CacheSpace({ directory, clock }).limitBytes();
    const expected = Math.min(4 * 1024 ** 3, (bavail * bsize) / 10);
    assert.ok(limit > 0.9 * expected && limit < 1.1 * expected, `${limit} of ${expected}`);
    assert.equal(await new CacheSpace({ directory, maxBytes: 7, clock }).limitBytes(), 7);
  });
});

describe("removeOldCaches", () => {
  it("removes folders that nobody has opened for 30 days, and only ours", async (t) => {
    const directory = temporaryDirectory(t);
    const old = await openCacheFolder(directory, "s3:old", now - 31 * day);
    const used = await openCacheFolder(directory, "s3:used", now - 31 * day);
    addFile(old, "aa", 1, 0);
    utimesSync(old, (now - 31 * day) / 1000, (now - 31 * day) / 1000);
    assert.equal(await openCacheFolder(directory, "s3:used", now), used);
    const foreign = join(directory, "f".repeat(64));
    mkdirSync(foreign);
    utimesSync(foreign, 0, 0);
    assert.equal(await removeOldCaches(directory, now), 1);
    assert.deepEqual([old, used, foreign].map(existsSync), [false, true, true]);
    assert.match(cacheFolderName("s3:https://host/secret-bucket"), /^stowage-1-[0-9a-f]{32}$/);
  });
});
