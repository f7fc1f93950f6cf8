import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { BlobId, TreeId } from "../../repo-format/format/id.ts";
import { emptyNode, type Node } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import { addKey, changePassword, listKeys, removeKey } from "../../repo-format/repository/keys.ts";
import { removeStaleLocks, withLock } from "../../repo-format/repository/lock.ts";
import { describeLock, listLocks } from "../../repo-format/repository/lock-files.ts";
import { initRepository, openRepository, type Repository } from "../../repo-format/repository/repository.ts";
import { usedBlobs } from "../../repo-format/repository/walk-trees.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { cheapKdf, collect, seededBytes, storeSnapshot, testIdentity } from "../support/memory-repository.ts";
import { restic, resticMust } from "../support/restic.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const password = "correct horse";
const options = { password, identity: testIdentity };

function open(path: string): Promise<Repository> {
  return openRepository({ ...options, storage: new LocalDirectoryStorage(path) });
}

async function createOurs(t: TestContext, version: 1 | 2): Promise<{ path: string; repo: Repository }> {
  const path = join(temporaryDirectory(t, "repository"), "repo");
  const storage = new LocalDirectoryStorage(path);
  const repo = await initRepository({ ...options, storage, version, kdf: cheapKdf, packSizeBytes: 4 * 1024 * 1024 });
  return { path, repo };
}

const contents: readonly Buffer[] = [
  Buffer.from("words, words, words\n".repeat(5000)),
  seededBytes("noise", 3 * 1024 * 1024),
  seededBytes("more noise", 3 * 1024 * 1024),
  Buffer.from("x"),
];

/** A directory of files, a directory in it, and an empty file. */
async function storeTree(repo: Repository): Promise<TreeId> {
  return withBlobUploader(repo, {}, async (uploader) => {
    const files: Node[] = [];
    for (const [number, content] of contents.entries()) {
      const { id } = await uploader.saveBlob("data", content);
      files.push(fileNode(`file-${number}`, content.length, [id]));
    }
    const subtree = (await uploader.saveBlob("tree", encodeTree(files))).id;
    const time = "2023-03-04T05:06:07.123456789Z";
    const times = { mtime: time, atime: time, ctime: time };
    const directory: Node = { ...emptyNode(Buffer.from("dir"), "dir"), ...times, mode: 2147484141, subtree };
    return (await uploader.saveBlob("tree", encodeTree([directory, fileNode("empty", 0, [])]))).id;
  });
}

function fileNode(name: string, size: number, content: readonly BlobId[]): Node {
  const time = "2023-03-04T05:06:07Z";
  const times = { mtime: time, atime: time, ctime: time };
  return { ...emptyNode(Buffer.from(name), "file"), ...times, mode: 420, size, links: 1, content };
}

for (const version of [1, 2] as const) {
  test(`restic finds nothing to complain about in our version ${version} repository, and reads it`, async (t) => {
    const { path, repo } = await createOurs(t, version);
    const tree = await withLock(repo, { exclusive: false }, async () => {
      await repo.refreshIndex();
      return storeTree(repo);
    });
    const snapshot = await storeSnapshot(repo, tree);
    const config = await resticMust(["cat", "config"], { repository: path, password });
    assert.match(config.stdout, new RegExp(`"version": ${version},[^}]*"id": "${repo.id}"`));
    await resticMust(["check", "--read-data"], { repository: path, password });
    for (const [number, content] of contents.entries()) {
      const dumped = await resticMust(["dump", snapshot, `/dir/file-${number}`], { repository: path, password });
      assert.equal(dumped.stdout.length, content.toString("utf8").length);
    }
    // restic can prune and check what we wrote.
    await resticMust(["forget", "--keep-last", "1", "--prune", "--max-unused", "0"], { repository: path, password });
    await resticMust(["check", "--read-data"], { repository: path, password });
  });

  test(`we read a version ${version} repository of restic, and what its prune has changed meanwhile`, async (t) => {
    const folder = temporaryDirectory(t, "repository");
    const path = join(folder, "repo");
    const source = join(folder, "source");
    mkdirSync(join(source, "sub"), { recursive: true });
    for (const [number, content] of contents.entries()) writeFileSync(join(source, `file-${number}`), content);
    writeFileSync(join(source, "sub", "another"), "text");
    await resticMust(["init", "--repository-version", String(version)], { repository: path, password });
    await resticMust(["backup", source], { repository: path, password });
    const repo = await open(path);
    assert.equal(repo.version, version);
    const snapshots = await collect(repo.snapshots());
    await repo.refreshIndex();
    assert.equal(snapshots.length, 1);
    const used = await usedBlobs(
      repo,
      snapshots.map(({ snapshot }) => snapshot.tree),
    );
    assert.deepEqual(used.missing, []);
    assert.equal(used.blobs.count, repo.index.blobCount);
    for (const { blobs } of repo.index.packs()) for (const blob of blobs) await repo.loadBlob(blob);

    rmSync(join(source, "file-1"));
    await resticMust(["backup", source], { repository: path, password });
    await resticMust(["forget", "--keep-last", "1", "--prune", "--max-unused", "0"], { repository: path, password });
    const before = repo.index.blobCount;
    const left = await collect(repo.snapshots());
    await repo.refreshIndex();
    assert.equal(left.length, 1);
    assert.notEqual(repo.index.blobCount, before);
    const rest = await usedBlobs(
      repo,
      left.map(({ snapshot }) => snapshot.tree),
    );
    assert.equal(rest.blobs.count, repo.index.blobCount);
    for (const { blobs } of repo.index.packs()) for (const blob of blobs) await repo.loadBlob(blob);
  });
}

test("what we add to a repository of restic, restic checks and finds", async (t) => {
  const path = join(temporaryDirectory(t, "repository"), "repo");
  await resticMust(["init"], { repository: path, password });
  const repo = await open(path);
  await repo.refreshIndex();
  await storeSnapshot(repo, await storeTree(repo));
  await resticMust(["check", "--read-data"], { repository: path, password });
  const listed = await resticMust(["ls", "latest"], { repository: path, password });
  assert.match(listed.stdout, /^\/dir\/file-3$/m);
});

test("keys of both sides open both sides", async (t) => {
  const { path, repo } = await createOurs(t, 2);
  const folder = temporaryDirectory(t, "passwords");
  writeFileSync(join(folder, "theirs"), "theirs\n");
  await addKey(repo, { password: "ours", kdf: cheapKdf, username: "ann" });
  await resticMust(["key", "add", "--new-password-file", join(folder, "theirs")], {
    repository: path,
    password: "ours",
  });
  for (const each of [password, "ours", "theirs"]) {
    const opened = await openRepository({ ...options, password: each, storage: new LocalDirectoryStorage(path) });
    assert.equal(opened.id, repo.id);
    await resticMust(["cat", "config"], { repository: path, password: each });
  }
  const keys = await listKeys(repo);
  assert.equal(keys.length, 3);
  const theirs = keys.find(({ key }) => key.N > cheapKdf.N);
  await removeKey(repo, theirs?.id ?? "");
  assert.equal((await restic(["cat", "config"], { repository: path, password: "theirs" })).code, 12);
  await changePassword(repo, "changed");
  await resticMust(["cat", "config"], { repository: path, password: "changed" });
  assert.equal((await restic(["cat", "config"], { repository: path, password })).code, 12);
});

test("restic waits for our locks and we for its: exclusive excludes, shared does not", async (t) => {
  const { path, repo } = await createOurs(t, 2);
  const run = (args: readonly string[]): ReturnType<typeof restic> => restic(args, { repository: path, password });
  await withLock(repo, { exclusive: true }, async () => {
    assert.equal((await run(["snapshots"])).code, 11);
    assert.match((await run(["list", "locks"])).stdout, /^[0-9a-f]{64}$/m);
  });
  assert.equal((await run(["snapshots"])).code, 0);
  await withLock(repo, { exclusive: false }, async () => {
    assert.equal((await run(["snapshots"])).code, 0);
    assert.equal((await run(["prune"])).code, 11);
    // Our process lives, so restic leaves its lock alone.
    assert.equal((await run(["unlock"])).code, 0);
    assert.match((await run(["list", "locks"])).stdout, /^[0-9a-f]{64}$/m);
  });
  assert.equal((await run(["prune"])).code, 0);
  assert.equal((await run(["list", "locks"])).stdout.trim(), "");
});

test("a lock of restic that was left behind is described, excludes us, and goes with unlock", async (t) => {
  const { path, repo } = await createOurs(t, 2);
  // A lock as restic writes it, of a process that is gone: made by hand, since restic cannot be stopped at a known moment.
  const json = '{"time":"2023-01-02T03:04:05.678+01:00","exclusive":true,"hostname":"gone","username":"bob","pid":12}';
  await repo.saveUnpacked("lock", Buffer.from(json));
  const { locks } = await listLocks(repo);
  assert.match(describeLock(locks[0]?.lock as never, Date.now()), /exclusively by process 12 of bob on gone/);
  await assert.rejects(
    withLock(repo, { exclusive: false, retryLockMs: 0 }, async () => undefined),
    { code: "lock-held" },
  );
  assert.equal((await restic(["snapshots"], { repository: path, password })).code, 11);
  assert.equal(await removeStaleLocks(repo), 1);
  assert.equal((await restic(["snapshots"], { repository: path, password })).code, 0);
  await repo.saveUnpacked("lock", Buffer.from(json));
  await resticMust(["unlock"], { repository: path, password });
  await withLock(repo, { exclusive: true, retryLockMs: 0 }, async () => undefined);
});
