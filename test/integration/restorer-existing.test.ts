import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Repository } from "../../repo-format/repository/repository.ts";
import type { RestoredItem } from "../../repo-format/restorer/restore-options.ts";
import { type WriteTask, writeColumns } from "../../repo-format/workers/restore-task.ts";
import { createTestRepository, seededBytes } from "../support/memory-repository.ts";
import { directory, fakeThreads, file, restoreInThread, storeEntries, symlink } from "../support/restorer-fixture.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pieces = [seededBytes("a", 3000), seededBytes("b", 50_000), seededBytes("c", 7)];
const content = Buffer.concat(pieces);
const savedSeconds = Date.parse("2020-01-02T03:04:05Z") / 1000;

interface Fixture {
  readonly repo: Repository;
  readonly target: string;
  readonly path: string;
}

/** A target that holds the file of the snapshot already, as it should be. */
async function restored(scope: Parameters<typeof temporaryDirectory>[0]): Promise<
  Fixture & {
    readonly snapshotId: Awaited<ReturnType<typeof storeEntries>>;
  }
> {
  const target = temporaryDirectory(scope, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [["file", file(pieces)]]);
  await restoreInThread(repo, { snapshotId, target });
  return { repo, target, snapshotId, path: join(target, "file") };
}

test("only the blobs that differ are written into a file that exists, and it stays the same file", async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  const inode = lstatSync(path).ino;
  const damaged = Buffer.from(content);
  damaged.fill("x", 4000, 4010);
  writeFileSync(path, damaged);
  const threads = fakeThreads(repo);
  const result = await restoreInThread(repo, { snapshotId, target, pool: threads });
  assert.ok(readFileSync(path).equals(content));
  assert.equal(lstatSync(path).ino, inode);
  assert.deepEqual([result.filesRestored, result.bytesRestored], [1, content.length]);
  const writes = threads.tasks.filter((task): task is WriteTask => task.kind === "write");
  assert.deepEqual(
    writes.map((task) => task.writes.length / writeColumns),
    [1],
  );
  assert.equal(result.requestBytes < 60_000 && result.requestBytes > 50_000, true);
});

test("a file that is too long is cut, one that is too short is completed", async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  writeFileSync(path, Buffer.concat([content, Buffer.from("tail")]));
  const long = await restoreInThread(repo, { snapshotId, target });
  assert.ok(readFileSync(path).equals(content));
  assert.equal(long.requests, 0);
  truncateSync(path, 3500);
  await restoreInThread(repo, { snapshotId, target });
  assert.ok(readFileSync(path).equals(content));
});

test("a file that is right gets its metadata only, and nothing is fetched", async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  chmodSync(path, 0o600);
  utimesSync(path, 1, 1);
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.deepEqual([result.filesSkipped, result.filesRestored, result.requests], [1, 0, 0]);
  assert.equal(lstatSync(path).mode & 0o777, 0o640);
  assert.equal(Math.floor(lstatSync(path).mtimeMs / 1000), savedSeconds);
});

test('"if-changed" trusts size and time without reading, and compares when the time differs', async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  const stat = lstatSync(path, { bigint: true });
  const damaged = Buffer.from(content).fill("x", 10, 20);
  writeFileSync(path, damaged);
  const differs = await restoreInThread(repo, { snapshotId, target, overwrite: "if-changed" });
  assert.equal(differs.filesRestored, 1);
  assert.ok(readFileSync(path).equals(content));
  assert.equal(lstatSync(path, { bigint: true }).mtimeNs, stat.mtimeNs);
  const threads = fakeThreads(repo);
  const trusted = await restoreInThread(repo, { snapshotId, target, overwrite: "if-changed", pool: threads });
  assert.equal(trusted.filesSkipped, 1);
  assert.equal(threads.tasks.length, 0);
});

test('"if-newer" replaces what is older than the snapshot and leaves the rest wholly alone', async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  writeFileSync(path, "newer");
  chmodSync(path, 0o604);
  const newer = await restoreInThread(repo, { snapshotId, target, overwrite: "if-newer" });
  assert.equal(newer.filesSkipped, 1);
  assert.equal(readFileSync(path, "utf8"), "newer");
  assert.equal(lstatSync(path).mode & 0o777, 0o604);
  utimesSync(path, savedSeconds - 1, savedSeconds - 1);
  await restoreInThread(repo, { snapshotId, target, overwrite: "if-newer" });
  assert.ok(readFileSync(path).equals(content));
});

test('"never" leaves every kind of entry alone and makes what is absent', async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["absent", file(["new"])],
    ["file", file(["new"])],
    ["link", symlink("new")],
  ]);
  writeFileSync(join(target, "file"), "old");
  writeFileSync(join(target, "link"), "a file");
  const result = await restoreInThread(repo, { snapshotId, target, overwrite: "never" });
  assert.equal(readFileSync(join(target, "absent"), "utf8"), "new");
  assert.equal(readFileSync(join(target, "file"), "utf8"), "old");
  assert.equal(readFileSync(join(target, "link"), "utf8"), "a file");
  assert.deepEqual([result.filesSkipped, result.filesRestored], [2, 1]);
});

test("a file with other names is replaced, so that those keep their content", async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  writeFileSync(path, "shared");
  linkSync(path, join(target, "other"));
  await restoreInThread(repo, { snapshotId, target });
  assert.ok(readFileSync(path).equals(content));
  assert.equal(readFileSync(join(target, "other"), "utf8"), "shared");
});

test("a file without any rights is overwritten by its owner", async (t) => {
  const { repo, target, snapshotId, path } = await restored(t);
  writeFileSync(path, "protected");
  chmodSync(path, 0);
  await restoreInThread(repo, { snapshotId, target });
  assert.ok(readFileSync(path).equals(content));
});

test("an empty directory in a file's place goes, a full one only with delete", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["empty", file(["x"])],
    ["full", file(["y"])],
    ["link", symlink("z")],
    ["other", file(["o"])],
  ]);
  mkdirSync(join(target, "empty"));
  mkdirSync(join(target, "full", "sub"), { recursive: true });
  mkdirSync(join(target, "link", "sub"), { recursive: true });
  const refused = await restoreInThread(repo, { snapshotId, target });
  assert.equal(refused.errorCount, 2);
  assert.equal(refused.failure?.code, "target-unwritable");
  assert.equal(readFileSync(join(target, "empty"), "utf8"), "x");
  assert.equal(readFileSync(join(target, "other"), "utf8"), "o");
  assert.ok(existsSync(join(target, "full", "sub")));
  const taken = await restoreInThread(repo, { snapshotId, target, delete: true });
  assert.equal(taken.failure, undefined);
  assert.equal(readFileSync(join(target, "full"), "utf8"), "y");
  assert.ok(lstatSync(join(target, "link")).isSymbolicLink());
});

async function withExtras(scope: Parameters<typeof temporaryDirectory>[0]): Promise<
  Fixture & {
    readonly snapshotId: Awaited<ReturnType<typeof storeEntries>>;
  }
> {
  const target = temporaryDirectory(scope, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["kept", file(["x"])],
    ["sub", directory([["inner", file(["y"])]])],
  ]);
  await restoreInThread(repo, { snapshotId, target });
  mkdirSync(join(target, "sub", "extra", "deep"), { recursive: true });
  writeFileSync(join(target, "sub", "extra", "deep", "file.txt"), "");
  writeFileSync(join(target, "extra.log"), "");
  return { repo, target, snapshotId, path: target };
}

test("delete removes what the snapshot does not have and names each of it", async (t) => {
  const { repo, target, snapshotId } = await withExtras(t);
  const items: RestoredItem[] = [];
  const result = await restoreInThread(repo, { snapshotId, target, delete: true, onItem: (item) => items.push(item) });
  assert.deepEqual(readdirSync(target, { recursive: true }).toSorted(), ["kept", "sub", "sub/inner"]);
  const deleted = items.filter(({ action }) => action === "deleted").map(({ path }) => path);
  assert.deepEqual(deleted.toSorted(), ["/extra.log", "/sub/extra", "/sub/extra/deep", "/sub/extra/deep/file.txt"]);
  assert.equal(result.filesDeleted, 4);
  assert.equal(Math.floor(lstatSync(join(target, "sub")).mtimeMs / 1000), savedSeconds);
});

test("delete keeps what the patterns do not select", async (t) => {
  const { repo, target, snapshotId } = await withExtras(t);
  await restoreInThread(repo, { snapshotId, target, delete: true, excludes: ["*.log"] });
  assert.deepEqual(readdirSync(target).toSorted(), ["extra.log", "kept", "sub"]);
  assert.deepEqual(readdirSync(join(target, "sub")), ["inner"]);
});

test("delete without patterns is refused for the root of the file system", async () => {
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, []);
  const restoring = restoreInThread(repo, { snapshotId, target: "/", delete: true });
  await assert.rejects(restoring, { code: "argument-invalid" });
});

test("a dry run says what a restore would do, and does nothing", async (t) => {
  const { repo, target, snapshotId } = await withExtras(t);
  writeFileSync(join(target, "kept"), "changed");
  writeFileSync(join(target, "sub", "inner"), "changed too");
  const listing = (): string[] =>
    readdirSync(target, { recursive: true, encoding: "utf8" }).map((name) => {
      const stat = lstatSync(join(target, name), { bigint: true });
      return `${name} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`;
    });
  const before = listing();
  const planned: string[] = [];
  const done: string[] = [];
  const collectInto = (list: string[]) => (item: RestoredItem) => void list.push(`${item.action} ${item.path}`);
  const dry = await restoreInThread(repo, {
    snapshotId,
    target,
    delete: true,
    dryRun: true,
    onItem: collectInto(planned),
  });
  assert.deepEqual(listing(), before);
  const wet = await restoreInThread(repo, { snapshotId, target, delete: true, onItem: collectInto(done) });
  assert.deepEqual(planned.toSorted(), done.toSorted());
  assert.deepEqual({ ...dry, requests: 0, requestBytes: 0 }, { ...wet, requests: 0, requestBytes: 0 });
});

test("a dry run into a target that is not there makes nothing", async (t) => {
  const { repo, target, snapshotId } = await restored(t);
  const result = await restoreInThread(repo, { snapshotId, target: join(target, "new", "place"), dryRun: true });
  assert.deepEqual([result.filesRestored, result.totalFiles, result.bytesRestored], [1, 1, content.length]);
  assert.equal(existsSync(join(target, "new")), false);
});
