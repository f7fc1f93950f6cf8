// Repositories of somebody who wants harm: bytes of any kind in every kind of file, JSON that was tampered with by one who
// has the key, and things that would grow without end. Every command ends with an error of the engine, or does what is right.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { createCompressor } from "../../repo-format/compression/zstd.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { type BlobId, idOf, type SnapshotId } from "../../repo-format/format/id.ts";
import { encodeIndexFile } from "../../repo-format/format/index-file.ts";
import { ls } from "../../repo-format/inspect/ls.ts";
import { collectStats } from "../../repo-format/inspect/stats.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { type FoundSnapshot, findSnapshots } from "../../repo-format/repository/find-snapshots.ts";
import { listKeys } from "../../repo-format/repository/keys.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { FileKind } from "../../repo-format/storage/key-layout.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import { BlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { assertTruthful, copyStore, sweepTimings } from "../support/fault-sweep.ts";
import {
  createTestRepository,
  reopen,
  seededBytes,
  storeBlobs,
  storedKeys,
  storeSnapshot,
} from "../support/memory-repository.ts";
import { runProcess } from "../support/processes.ts";
import { directory, file, restoreInThread, storeEntries, symlink } from "../support/restorer-fixture.ts";
import { type SeededRandom, seededRandom } from "../support/seeded-random.ts";
import { switchableTable } from "../support/switchable-table.ts";
import { tamperedJson } from "../support/tampered-json.ts";
import { makeTemporaryDirectory, removeDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const password = "correct horse battery staple";
const lock = { retryLockMs: 0, lockTimings: sweepTimings };
const linked = { links: 2, inode: 5n, deviceId: 3n };

async function buildStore(): Promise<InMemoryStorage> {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage, password });
  await storeEntries(repo, [
    ["dir", directory([["inner", file(["inner content"])]])],
    ["file", file(["first piece", seededBytes(1, 3000)])],
    ["name-1", file(["linked"], linked)],
    ["name-2", file(["linked"], linked)],
    ["symlink", symlink("dir/inner")],
  ]);
  return storage;
}

/** Every way of reading, and prune; what one command makes of the store no other one sees. */
async function useEverything(storage: InMemoryStorage, place: string): Promise<void> {
  const open = (): Promise<Repository> => reopen(storage, { password });
  await attempt(`${place}: keys`, async () => listKeys(await open()));
  await attempt(`${place}: lock`, async () => {
    const repo = await reopen(await copyStore(storage), { password });
    await withLock(repo, { exclusive: true, retryLockMs: 0, timings: sweepTimings }, async () => {});
  });
  await attempt(`${place}: list`, async () => listEverything(await open()));
  await attempt(`${place}: restore`, async () => restoreEverything(await open()));
  await attempt(`${place}: check`, async () => check(await open(), { lock: false, readData: { kind: "all" } }));
  await attempt(`${place}: prune`, async () => {
    await prune(await reopen(await copyStore(storage), { password }), { ...lock, maxUnusedBytes: () => 0 });
  });
}

async function listEverything(repo: Repository): Promise<void> {
  const found = await findSnapshots(repo);
  await repo.refreshIndex();
  for (const { snapshot } of found) for await (const { node } of ls(repo, snapshot.tree)) assert.ok(node);
  for (const mode of ["restore-size", "raw-data"] as const) await collectStats(repo, found, { mode });
}

async function restoreEverything(repo: Repository): Promise<void> {
  const folder = makeTemporaryDirectory("hostile");
  try {
    writeFileSync(join(folder, "neighbour"), "precious");
    const ids: SnapshotId[] = [];
    for await (const { id } of repo.snapshots()) ids.push(id);
    await repo.refreshIndex();
    for (const overwrite of ["always", "if-newer"] as const) {
      for (const snapshotId of ids) {
        const options = { snapshotId, target: join(folder, "target"), overwrite, sparse: true, verify: true };
        await restoreInThread(repo, options);
      }
    }
    assert.deepEqual(readdirSync(folder).sort().slice(0, 1), ["neighbour"]);
    assert.ok(readdirSync(folder).length <= 2);
    assert.equal(readFileSync(join(folder, "neighbour"), "utf8"), "precious");
  } finally {
    removeDirectory(folder);
  }
}

/** Success, or an error of the engine that shows no secret; soon. */
async function attempt(place: string, work: () => Promise<unknown>): Promise<void> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${place} took longer than 30 s`)), 30_000);
  try {
    await Promise.race([work(), tooLong]);
  } catch (error) {
    if (!RepositoryError.is(error)) throw new Error(`${place}: ${error}`, { cause: error });
    const shown = inspect(error, { depth: 10, showHidden: true });
    assert.ok(!shown.includes(password), `${place}: the password is in ${shown}`);
  } finally {
    clearTimeout(timer);
  }
}

function soups(random: SeededRandom, original: Buffer): Buffer[] {
  const cut = random.integer(1, original.length - 1);
  return [
    Buffer.alloc(0),
    Buffer.of(0),
    random.bytes(31),
    random.bytes(32),
    random.bytes(33),
    random.bytes(5000),
    Buffer.alloc(4096),
    Buffer.from("{".repeat(2000)),
    original.subarray(0, cut),
    Buffer.concat([original, original]),
  ];
}

test("the repository of these tests is sound, and every command does its work on it", async () => {
  const storage = await buildStore();
  const repo = await reopen(storage, { password });
  assert.equal((await listKeys(repo)).length, 1);
  await listEverything(repo);
  await restoreEverything(repo);
  assert.deepEqual((await check(repo, { lock: false, readData: { kind: "all" } })).findings, []);
  await prune(repo, { ...lock, maxUnusedBytes: () => 0 });
});

test("any bytes in any file, under its own name or under the right one for these bytes, end no process", async () => {
  const base = await buildStore();
  const random = seededRandom("soup");
  for (const key of await storedKeys(base)) {
    const original = await base.get(key);
    for (const [number, soup] of soups(random, original).entries()) {
      const storage = await copyStore(base);
      await storage.put(key, soup);
      await useEverything(storage, `${key} with soup ${number}`);
      const folder = key.slice(0, key.lastIndexOf("/") + 1);
      if (folder === "") continue;
      const renamed = await copyStore(base);
      if (number % 2 === 0) await renamed.delete(key);
      await renamed.put(`${folder}${idOf(soup)}`, soup);
      await useEverything(renamed, `${folder} with soup ${number}, well named`);
    }
  }
});

/** The stored JSON of the only file of a kind. */
async function jsonOf(repo: Repository, kind: "snapshot" | "index"): Promise<Buffer> {
  for await (const { id } of repo.list(kind)) return repo.loadUnpacked(kind, id);
  throw new Error(`bug: no ${kind}`);
}

async function replaceFiles(storage: InMemoryStorage, kind: FileKind, json: Buffer): Promise<void> {
  const repo = await reopen(storage, { password });
  for await (const { id } of repo.list(kind)) await repo.remove(kind, id);
  await repo.saveUnpacked(kind as "snapshot", json);
}

for (const kind of ["snapshot", "index"] as const) {
  test(`a ${kind} file whose JSON was tampered with by one who has the key is an error or harmless`, async () => {
    const base = await buildStore();
    const json = await jsonOf(await reopen(base, { password }), kind);
    const random = seededRandom(`tampered ${kind}`);
    for (let round = 0; round < 120; round++) {
      const storage = await copyStore(base);
      const tampered = tamperedJson(json.toString(), random);
      await replaceFiles(storage, kind, tampered);
      await useEverything(storage, `round ${round}: ${tampered.toString("latin1").slice(0, 400)}`);
    }
  });
}

test("a tree whose JSON was tampered with by one who has the key is an error or harmless", async () => {
  const base = await buildStore();
  const [snapshot] = await findSnapshots(await reopen(base, { password }));
  const first = await reopen(base, { password });
  await first.refreshIndex();
  const json = await first.loadTree(snapshot?.snapshot.tree as BlobId);
  const random = seededRandom("tampered tree");
  for (let round = 0; round < 200; round++) {
    const storage = await copyStore(base);
    const repo = await reopen(storage, { password });
    await repo.refreshIndex();
    const tampered = tamperedJson(json.toString(), random);
    const [tree] = await storeBlobs(repo, "tree", [tampered]);
    await repo.remove("snapshot", snapshot?.id as SnapshotId);
    await storeSnapshot(repo, tree as BlobId);
    await useEverything(storage, `round ${round}: ${tampered.toString("latin1").slice(0, 1500)}`);
  }
});

test("a backup with a tampered parent ends, and refers to nothing that is missing", async (t) => {
  const base = new InMemoryStorage();
  const source = temporaryDirectory(t, "source");
  mkdirSync(join(source, "dir"));
  for (const name of ["a", "b", "dir/c"]) writeFileSync(join(source, name), `content of ${name}`);
  const first = await createTestRepository({ storage: base });
  const table = switchableTable();
  const pool = new BlobWorkerPool({ masterKey: first.masterKey, version: first.version, table, threads: 1 });
  t.after(() => pool.close());
  const backUp = (repo: Repository): Promise<ArchiveResult> => {
    table.switchTo(repo.index.table);
    return archive(repo, { ...backupDefaults(source), pool });
  };
  const { treeId, snapshotId } = await backUp(first);
  const json = (await first.loadTree(treeId)).toString();
  const random = seededRandom("tampered parent");
  for (let round = 0; round < 100; round++) {
    const storage = await copyStore(base);
    const repo = await reopen(storage);
    await repo.refreshIndex();
    const [tree] = await storeBlobs(repo, "tree", [tamperedJson(json, random)]);
    const { snapshot } = await onlySnapshot(repo);
    await repo.remove("snapshot", snapshotId as SnapshotId);
    const parentId = await repo.saveSnapshot({ ...snapshot, tree: tree as BlobId });
    const result = await backUp(await reopen(storage));
    assert.deepEqual([result.parentId, result.summary.totalFilesProcessed], [parentId, 3], `round ${round}`);
    await (await reopen(storage)).remove("snapshot", parentId);
    await assertTruthful(storage);
  }
});

test("files that a parent knows are read again when the repository has lost their content", async (t) => {
  const source = temporaryDirectory(t, "source");
  writeFileSync(join(source, "file"), "content");
  const storage = new InMemoryStorage();
  const first = await createTestRepository({ storage });
  const { treeId } = await archive(first, { ...backupDefaults(source), threads: 1 });
  const tree = await first.loadTree(treeId);
  for (const key of [...(await storedKeys(storage, "data/")), ...(await storedKeys(storage, "index/"))]) {
    await storage.delete(key);
  }
  const second = await reopen(storage);
  await storeBlobs(second, "tree", [tree]);
  const result = await archive(second, { ...backupDefaults(source), threads: 1 });
  assert.deepEqual(
    result.warnings.map(({ kind }) => kind),
    ["parent"],
  );
  assert.equal(result.treeId, treeId);
  await assertTruthful(storage);
});

async function onlySnapshot(repo: Repository): Promise<FoundSnapshot> {
  const [found] = await findSnapshots(repo);
  return found as FoundSnapshot;
}

test("a lock file whose JSON was tampered with bars the repository or not, and ends no process", async () => {
  const base = await buildStore();
  const repo = await reopen(base, { password });
  let json: Buffer = Buffer.alloc(0);
  await withLock(repo, { exclusive: false, timings: sweepTimings }, async () => {
    for await (const { id } of repo.list("lock")) json = await repo.loadUnpacked("lock", id);
  });
  const random = seededRandom("tampered lock");
  for (let round = 0; round < 100; round++) {
    const storage = await copyStore(base);
    await replaceFiles(storage, "lock", tamperedJson(json.toString(), random));
    await useEverything(storage, `round ${round}`);
  }
});

test("a key file that was tampered with opens nothing, and costs no more than a few seconds", async () => {
  const base = await buildStore();
  const [key] = await storedKeys(base, "keys/");
  const json = await base.get(key as string);
  const random = seededRandom("tampered key");
  for (let round = 0; round < 100; round++) {
    const storage = await copyStore(base);
    const tampered = tamperedJson(json.toString(), random);
    await storage.delete(key as string);
    await storage.put(keyOf("key", idOf(tampered)), tampered);
    await attempt(`round ${round}: ${tampered.toString("latin1").slice(0, 300)}`, () => reopen(storage, { password }));
  }
});

const bombs: Readonly<Record<string, () => Buffer>> = {
  "257 MiB of blanks": () => Buffer.alloc(257 * mebibyte, " "),
  "a million arrays in each other": () => Buffer.from(`{"tree":${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`),
  "a million objects in each other": () => Buffer.from(`${'{"a":'.repeat(1_000_000)}1${"}".repeat(1_000_000)}`),
  "a number of a million digits": () => Buffer.from(`{"uid":1${"0".repeat(1_000_000)}}`),
};

for (const [name, make] of Object.entries(bombs)) {
  test(`a file that unpacks to ${name} is an error, whatever it pretends to be`, async () => {
    const base = await buildStore();
    const json = make();
    for (const kind of ["snapshot", "index", "lock"] as const) {
      // An index may be that large; reading it again and again would only take time.
      if (kind === "index" && json.length > 256 * mebibyte) continue;
      const storage = await copyStore(base);
      await replaceFiles(storage, kind, json);
      await useEverything(storage, `${kind} of ${name}`);
    }
  });
}

test("a snapshot or lock file is unpacked up to a limit, not to whatever it holds", async () => {
  const base = await buildStore();
  const json = Buffer.alloc(257 * mebibyte, " ");
  for (const kind of ["snapshot", "lock"] as const) {
    const storage = await copyStore(base);
    await replaceFiles(storage, kind, json);
    const repo = await reopen(storage, { password });
    for await (const { id } of repo.list(kind)) {
      await assert.rejects(repo.loadUnpacked(kind, id), { code: "file-damaged", message: /has more than \d+ bytes/ });
    }
  }
});

test("a blob that the index calls four gigabytes is damaged, and costs no memory", async () => {
  const storage = new InMemoryStorage();
  const repo = await createTestRepository({ storage, password });
  const content = Buffer.from("small");
  const sealed = repo.sealer.seal(createCompressor("auto").compress(content));
  const pack = Buffer.concat([sealed, Buffer.alloc(100)]);
  const packId = idOf(pack);
  await storage.put(keyOf("pack", packId), pack);
  const id = idOf<BlobId>(content);
  const blob = { type: "data", id, offset: 0, length: sealed.length, uncompressedLength: 0xffff_ffff } as const;
  await repo.saveUnpacked("index", encodeIndexFile([{ id: packId as never, blobs: [blob] }]));
  await repo.refreshIndex();
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(repo.loadBlob({ type: "data", id }), { code: "blob-damaged" });
  assert.ok(process.memoryUsage().arrayBuffers - before < 64 * mebibyte);
});

test("objects of hundreds of megabytes under the names of small files are refused unread", async () => {
  const base = await buildStore();
  const large = Buffer.alloc(70_000);
  for (const key of ["config", keyOf("key", idOf(large))]) {
    const storage = await copyStore(base);
    await storage.put(key, large);
    await useEverything(storage, key);
  }
});

test("an inode with two contents is restored as two files: no name shows bytes of another", async (t) => {
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["a", file(["first content"], linked)],
    ["b", file(["second"], linked)],
    ["c", file(["second"], linked)],
  ]);
  const target = temporaryDirectory(t, "hostile");
  const result = await restoreInThread(repo, { snapshotId, target });
  assert.equal(result.failure, undefined);
  const contents = ["a", "b", "c"].map((name) => readFileSync(join(target, name), "utf8"));
  assert.deepEqual(contents, ["first content", "second", "second"]);
});

test("a file that stands and is not to be touched gives its content to no other name", async (t) => {
  const repo = await createTestRepository();
  const snapshotId = await storeEntries(repo, [
    ["a", file(["of the snapshot"], linked)],
    ["b", file(["of the snapshot"], linked)],
  ]);
  const target = temporaryDirectory(t, "hostile");
  writeFileSync(join(target, "a"), "of somebody else");
  await restoreInThread(repo, { snapshotId, target, overwrite: "never" });
  assert.equal(readFileSync(join(target, "a"), "utf8"), "of somebody else");
  assert.equal(readFileSync(join(target, "b"), "utf8"), "of the snapshot");
});

test("trees that stand for a billion directories end a restore with an error, not the process", async () => {
  const child = `
    import { createTestRepository, storeBlobs, storeSnapshot } from "./test/support/memory-repository.ts";
    import { encodeTree, emptyTreeId } from "./repo-format/format/tree.ts";
    import { emptyNode } from "./repo-format/format/node.ts";
    import { restoreInThread } from "./test/support/restorer-fixture.ts";
    const repo = await createTestRepository();
    let [subtree] = await storeBlobs(repo, "tree", [encodeTree([])]);
    for (let level = 0; level < 8; level++) {
      const nodes = [..."abcdefghijklmnop"].map((name) => ({ ...emptyNode(Buffer.from(name), "dir"), subtree }));
      [subtree] = await storeBlobs(repo, "tree", [encodeTree(nodes)]);
    }
    const snapshotId = await storeSnapshot(repo, subtree);
    try {
      await restoreInThread(repo, { snapshotId, target: process.argv[1] + "/target", dryRun: true });
    } catch (error) {
      console.log(error.code);
    }`;
  const folder = makeTemporaryDirectory("hostile");
  try {
    const args = ["--max-old-space-size=128", "-e", child, folder];
    const result = await runProcess(process.execPath, { args, cwd: join(import.meta.dirname, "..", "..") });
    assert.equal(result.stdout.trim(), "resources-exhausted", result.stderr.slice(0, 2000));
    assert.equal(result.code, 0);
  } finally {
    removeDirectory(folder);
  }
});
