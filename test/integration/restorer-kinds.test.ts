import assert from "node:assert/strict";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { systemCalls } from "../../repo-format/file-tree/system-calls.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { withBlobUploader } from "../../repo-format/repository/blob-uploader.ts";
import { restore } from "../../repo-format/restorer/restore.ts";
import { createBlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { createTestRepository, seededBytes, storeSnapshot } from "../support/memory-repository.ts";
import { directory, fakeThreads, file, other, restoreInThread, storeEntries } from "../support/restorer-fixture.ts";
import { fileNode } from "../support/sample-trees.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const isRoot = process.geteuid?.() === 0;

test("devices are left out, counted and named unless they are asked for", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["block", other("dev", { device: 259n, mode: 0x0400_0000 + 0o600 })],
    ["char", other("chardev", { device: 259n, mode: 0x0420_0000 + 0o600 })],
    ["fifo", other("fifo", { mode: 0x0200_0000 + 0o640 })],
  ]);
  const without = await restoreInThread(repo, { snapshotId, target, delete: true });
  assert.deepEqual(readdirSync(target), ["fifo"]);
  assert.equal(lstatSync(join(target, "fifo")).mode, 0o010640);
  assert.equal(without.skippedDevices, 2);
  assert.equal(without.failure, undefined);
  assert.deepEqual(
    without.warnings.map(({ kind, path, isError }) => [kind, path, isError]),
    [
      ["device", "/block", false],
      ["device", "/char", false],
    ],
  );
  if (!isRoot) return;
  const withThem = await restoreInThread(repo, { snapshotId, target, restoreDevices: true });
  assert.equal(withThem.failure, undefined);
  assert.ok(lstatSync(join(target, "block")).isBlockDevice());
  assert.equal(lstatSync(join(target, "char")).rdev, 259);
});

test("names of one file stay names of one file, across directories and beside chosen ones", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const linked = { links: 3, inode: 11n, deviceId: 5n };
  const snapshotId = await storeEntries(repo, [
    ["a", directory([["one", file(["shared"], linked)]])],
    [
      "b",
      directory([
        ["three", file(["shared"], linked)],
        ["two", file(["shared"], linked)],
      ]),
    ],
    ["elsewhere", file(["other"], { links: 2, inode: 11n, deviceId: 6n })],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target });
  const inodes = ["a/one", "b/two", "b/three"].map((name) => lstatSync(join(target, name)).ino);
  assert.equal(new Set(inodes).size, 1);
  assert.equal(readFileSync(join(target, "b", "two"), "utf8"), "shared");
  assert.equal(lstatSync(join(target, "elsewhere")).nlink, 1);
  assert.deepEqual([result.totalFiles, result.totalBytes], [6, 11]);

  const chosen = join(target, "chosen");
  await restoreInThread(repo, { snapshotId, target: chosen, includes: ["/b"] });
  assert.deepEqual(readdirSync(chosen, { recursive: true }).toSorted(), ["b", "b/three", "b/two"]);
  assert.equal(lstatSync(join(chosen, "b", "two")).nlink, 2);
  // Again over what is there: the names are made anew, the content stays.
  await restoreInThread(repo, { snapshotId, target });
  assert.equal(lstatSync(join(target, "a", "one")).nlink, 3);
});

test("sparse: blobs of zeros are not even fetched, and zeros inside of others become holes", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const zeros = Buffer.alloc(512 * 1024);
  const mixed = Buffer.concat([Buffer.from("x"), Buffer.alloc(300_000), Buffer.from("y")]);
  const snapshotId = await storeEntries(repo, [
    ["holes", file([zeros, zeros, mixed, zeros])],
    ["nothing", file([zeros, zeros])],
  ]);
  const sparse = join(target, "sparse");
  const threads = fakeThreads(repo);
  const result = await restoreInThread(repo, { snapshotId, target: sparse, sparse: true, pool: threads, verify: true });
  assert.equal(result.failure, undefined);
  assert.equal(result.bytesRestored, result.totalBytes);
  assert.equal(threads.tasks.filter((task) => task.kind === "write").length, 1);
  const expected = Buffer.concat([zeros, zeros, mixed, zeros]);
  assert.ok(readFileSync(join(sparse, "holes")).equals(expected));
  assert.ok(readFileSync(join(sparse, "nothing")).equals(Buffer.alloc(2 * zeros.length)));
  assert.ok(lstatSync(join(sparse, "holes")).blocks * 512 <= 64 * 1024);
  assert.equal(lstatSync(join(sparse, "nothing")).blocks, 0);
  const full = join(target, "full");
  await restoreInThread(repo, { snapshotId, target: full, sparse: false });
  assert.ok(readFileSync(join(full, "holes")).equals(expected));
  assert.ok(lstatSync(join(full, "holes")).blocks * 512 >= expected.length);
});

test("without a word about it, holes stay holes, and files without any take their full size", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const zeros = Buffer.alloc(512 * 1024);
  const someZeros = Buffer.concat([Buffer.from("x"), Buffer.alloc(300_000), Buffer.from("y")]);
  const snapshotId = await storeEntries(repo, [
    ["dense", file([someZeros, someZeros])],
    ["holes", file([zeros, someZeros, zeros])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target, verify: true });
  assert.equal(result.failure, undefined);
  const bytesOnDisk = (name: string): number => lstatSync(join(target, name)).blocks * 512;
  assert.ok(bytesOnDisk("holes") <= 64 * 1024, `${bytesOnDisk("holes")}`);
  assert.ok(bytesOnDisk("dense") >= 2 * someZeros.length);
  assert.ok(readFileSync(join(target, "holes")).equals(Buffer.concat([zeros, someZeros, zeros])));
});

test("empty files, an empty snapshot and an empty directory are restored without a request", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["directory", directory([], { mode: 0x8000_0000 + 0o555 })],
    ["empty", file([])],
  ]);
  const result = await restoreInThread(repo, { snapshotId, target, verify: true });
  assert.deepEqual([result.filesRestored, result.requests, result.filesVerified], [2, 0, 1]);
  assert.equal(statSync(join(target, "empty")).size, 0);
  assert.equal(statSync(join(target, "directory")).mode & 0o777, 0o555);
  const nothing = await restoreInThread(repo, { snapshotId: await storeEntries(repo, []), target, delete: true });
  assert.equal(nothing.totalFiles, 0);
});

test("many files of many packs come through real threads, more than may be open at once", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository({ packSizeBytes: 4 * 1024 * 1024 });
  const count = 700;
  // Column by column: every file has a piece in every pack, so that files wait half written.
  const snapshotId = await withBlobUploader(repo, {}, async (uploader) => {
    const content: BlobId[][] = Array.from({ length: count }, () => []);
    for (let column = 0; column < 3; column++) {
      for (const [number, ids] of content.entries()) {
        ids.push((await uploader.saveBlob("data", seededBytes(`${column}/${number}`, 8000))).id);
      }
    }
    const nodes = content.map((ids, number) =>
      fileNode(`f${String(number).padStart(4, "0")}`, ids, { size: 24_000, mtime: "2020-01-01T00:00:00Z" }),
    );
    const { id } = await uploader.saveBlob("tree", encodeTree(nodes));
    return storeSnapshot(repo, id);
  });
  const pool = createBlobWorkerPool(repo, 2);
  try {
    const open = readdirSync("/proc/self/fd").length;
    const result = await restore(repo, { snapshotId, target, restoreDevices: false, pool, verify: true });
    assert.equal(result.failure, undefined);
    assert.deepEqual([result.filesRestored, result.filesVerified], [count, count]);
    assert.ok(result.requests >= 3);
    assert.equal(pool.budget.usedBytes, 0);
    assert.ok(readdirSync("/proc/self/fd").length <= open + 20);
    for (const number of [0, 1, 350, 699]) {
      const expected = Buffer.concat([0, 1, 2].map((column) => seededBytes(`${column}/${number}`, 8000)));
      const actual = readFileSync(join(target, `f${String(number).padStart(4, "0")}`));
      assert.equal(idOf(actual), idOf(expected));
    }
  } finally {
    await pool.close();
  }
});

test("attributes are restored as far as the patterns select them", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const extendedAttributes = [
    { name: "user.keep", value: Buffer.from("1") },
    { name: "user.drop", value: Buffer.from("2") },
  ];
  const snapshotId = await storeEntries(repo, [["file", file(["x"], { extendedAttributes })]]);
  const result = await restoreInThread(repo, { snapshotId, target, excludeAttributes: ["user.d*"] });
  if (result.warningCount > 0) return t.skip("the temporary directory keeps no attributes");
  assert.deepEqual(systemCalls.llistxattr(Buffer.from(join(target, "file"))).map(String), ["user.keep"]);
});

test("a target that cannot be opened is an error of its own, a snapshot that is missing too", async (t) => {
  const target = temporaryDirectory(t, "restorer");
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [["file", file(["x"])]]);
  await restoreInThread(repo, { snapshotId, target });
  const restoring = restoreInThread(repo, { snapshotId, target: join(target, "file") });
  await assert.rejects(restoring, { code: "target-unwritable", message: /open the target/ });
  const missing = restoreInThread(repo, { snapshotId: "ab".repeat(32) as never, target });
  await assert.rejects(missing, { code: "snapshot-missing" });
  const subfolder = restoreInThread(repo, { snapshotId, target, subfolder: "/absent" });
  await assert.rejects(subfolder, { code: "path-missing" });
  assert.equal(existsSync(join(target, "absent")), false);
});
