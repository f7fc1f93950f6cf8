// Backups that die in the middle of a large file, and the runs after them: nothing that was indexed is stored again, and
// reading goes on where the file was cut last.
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveOptions, ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { plaintextLength } from "../../repo-format/format/blob.ts";
import type { BlobId } from "../../repo-format/format/id.ts";
import { iterateTree } from "../../repo-format/format/tree.ts";
import { LocalNotes } from "../../repo-format/notes/local-notes.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { FaultyStorage } from "../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes, storedKeys } from "../support/memory-repository.ts";
import { startProcess } from "../support/processes.ts";
import { bytesReadBy } from "../support/read-bytes.ts";
import { makeTemporaryDirectory, removeDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte: number = 1024 * 1024;
const rangeBytes: number = 8 * mebibyte;
const packSizeBytes: number = 4 * mebibyte;
/** The directory itself. */
const treeBytes = 8192;

interface Volume {
  readonly source: string;
  readonly file: string;
  readonly fileBytes: number;
  readonly notesDirectory: string;
  /** What an undisturbed backup makes of the file. */
  readonly tree: BlobId;
  readonly content: readonly BlobId[];
}

/** Random bytes with zeros in the middle, written and as a hole: cuts behind them depend on the chunk before. */
async function largeFile(): Promise<Volume> {
  const folder = makeTemporaryDirectory("resume");
  const file = join(folder, "large");
  writeFileSync(file, seededBytes("first", 18 * mebibyte));
  appendFileSync(file, Buffer.alloc(9 * mebibyte));
  truncateSync(file, 33 * mebibyte + 4096);
  appendFileSync(file, seededBytes("second", 12 * mebibyte));
  const fileBytes = readFileSync(file).length;
  const repo = await createTestRepository({ packSizeBytes });
  const { treeId } = await backUp(repo, folder);
  const [node] = iterateTree(await repo.loadTree(treeId));
  assert.equal(node?.size, fileBytes);
  const notesDirectory = makeTemporaryDirectory("resume-notes");
  return { source: folder, file, fileBytes, notesDirectory, tree: treeId, content: node.content ?? [] };
}

let volume: Volume;

before(async () => {
  volume = await largeFile();
});
after(() => {
  removeDirectory(volume.source);
  removeDirectory(volume.notesDirectory);
});

function backUp(repo: Repository, source: string, options: Partial<ArchiveOptions> = {}): Promise<ArchiveResult> {
  return archive(repo, { ...backupDefaults(source), threads: 1, ...options });
}

/** @param later ms by which its clock is fast: a file must have been left alone for a while. */
async function openNotes(repo: Repository, later = 60_000): Promise<LocalNotes> {
  const clock = (): number => Date.now() + later;
  const onWarning = (message: string): void => assert.fail(message);
  const options = {
    directory: volume.notesDirectory,
    repositoryId: repo.id,
    clock,
    onWarning,
    minResumeBytes: 10 * mebibyte,
  };
  return (await LocalNotes.open(options)) as LocalNotes;
}

/**
 * A backup that dies: from some request on the store does not hear of it.
 * @param packs that reach the store before the end, and its index.
 * @returns the repository as others find it.
 */
async function dyingBackup(packs: number): Promise<Repository> {
  const memory = new InMemoryStorage();
  const storage = new FaultyStorage(memory);
  const repo = await createTestRepository({ storage, packSizeBytes });
  let isDead = false;
  let sent = 0;
  const isIndexed = Promise.withResolvers<void>();
  storage.plan = async ({ method, key }) => {
    if (isDead) throw new RepositoryError("storage-unavailable", "the process is dead");
    if (method !== "put") return;
    if (key.startsWith("index/") && (await storedKeys(memory, "data/")).length >= packs) isIndexed.resolve();
    if (!key.startsWith("data/") || ++sent <= packs) return;
    await isIndexed.promise;
    isDead = true;
    throw new RepositoryError("storage-unavailable", "the process is dead");
  };
  const notes = await openNotes(repo);
  await assert.rejects(backUp(repo, volume.source, { notes, indexIntervalMs: 0 }), /the process is dead/);
  return reopen(memory, { packSizeBytes });
}

/** Bytes of the file from its beginning on whose chunks are in the index. */
function indexedBeginning(repo: Repository, content: readonly BlobId[]): number {
  let bytes = 0;
  for (const id of content) {
    const [location] = repo.index.lookup({ type: "data", id });
    if (location === undefined) break;
    bytes += plaintextLength(location);
  }
  return bytes;
}

function lengthOf(repo: Repository, id: BlobId): number {
  const [location] = repo.index.lookup({ type: "data", id });
  assert.ok(location !== undefined);
  return plaintextLength(location);
}

function indexedBytes(repo: Repository): number {
  let bytes = 0;
  for (const { type, id } of repo.index.blobs()) if (type === "data") bytes += lengthOf(repo, id);
  return bytes;
}

function notesOf(repo: Repository): string[] {
  return readdirSync(join(volume.notesDirectory, repo.id));
}

test("a backup that died goes on inside the large file, and stores nothing that was indexed", async (t) => {
  const full = await bytesReadBy(async () => backUp(await createTestRepository({ packSizeBytes }), volume.source));
  for (const packs of [2, 4, 6]) {
    const repo = await dyingBackup(packs);
    await repo.refreshIndex();
    const indexed = indexedBytes(repo);
    const beginning = indexedBeginning(repo, volume.content);
    assert.ok(indexed > 0, `${packs} packs: the index was saved while the run lived`);
    assert.equal(notesOf(repo).length, 1);
    let result: ArchiveResult | undefined;
    const notes = await openNotes(repo);
    const read = await bytesReadBy(async () => {
      result = await backUp(repo, volume.source, { notes });
    });
    assert.equal(result?.treeId, volume.tree, "the same cuts");
    const all = [...new Set(volume.content)].reduce((sum, id) => sum + lengthOf(repo, id), 0);
    const added = result?.summary.dataAdded ?? 0;
    assert.ok(
      added >= all - indexed && added <= all - indexed + treeBytes,
      `${packs} packs: ${added} of ${all - indexed}`,
    );
    const mostRead = full - beginning + 2 * rangeBytes;
    assert.ok(read <= mostRead, `${packs} packs: ${read} bytes read, ${mostRead} at most`);
    t.diagnostic(`${packs} packs: ${beginning} of ${volume.fileBytes} known, ${read} read`);
    assert.deepEqual(notesOf(repo), [], "the note has served its purpose");
  }
});

test("a run after a dead one without notes stores nothing twice either, but reads everything", async () => {
  const repo = await dyingBackup(6);
  await repo.refreshIndex();
  const indexed = indexedBytes(repo);
  let result: ArchiveResult | undefined;
  const read = await bytesReadBy(async () => {
    result = await backUp(repo, volume.source);
  });
  assert.equal(result?.treeId, volume.tree);
  const added = result?.summary.dataAdded ?? 0;
  assert.ok(
    added <= volume.fileBytes - indexed + treeBytes,
    `${added} of ${volume.fileBytes} bytes, ${indexed} indexed`,
  );
  // All but the hole.
  assert.ok(read > 39 * mebibyte, `${read} bytes`);
});

test("after SIGKILL the next run stores what was not indexed, and no more", async (t) => {
  const folder = temporaryDirectory(t, "killed");
  const path = join(folder, "repository");
  const repo = await createTestRepository({
    storage: new LocalDirectoryStorage(path, { create: true }),
    packSizeBytes,
  });
  const program = join(folder, "program.mjs");
  writeFileSync(program, endlessBackup(path, repo.id));
  const run = await startProcess(process.execPath, {
    args: [program],
    // It stops by itself where its store waits for ever.
    isReady: (running) => running.output().includes("waiting"),
  });
  run.signal("SIGKILL");
  await run.ended;
  assert.equal(notesOf(repo).length, 1);
  await repo.refreshIndex();
  const indexed = indexedBytes(repo);
  assert.ok(indexed > 0 && indexed < volume.fileBytes);
  const onBytes: number[] = [];
  const result = await backUp(repo, volume.source, {
    notes: await openNotes(repo),
    onProgress: ({ bytesDone }) => void onBytes.push(bytesDone),
  });
  assert.equal(result.treeId, volume.tree);
  assert.equal(onBytes.at(-1), volume.fileBytes, "progress counts what was known");
  const distinct = [...new Set(volume.content)].map((id) => lengthOf(repo, id)).reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(result.summary.dataAdded <= distinct - indexed + treeBytes);
  for (const blob of repo.index.blobs()) assert.equal(repo.index.lookup(blob).length, 1, "stored twice");
});

/** A program that backs the volume up until five packs are indexed, and then waits to be killed. */
function endlessBackup(repository: string, repositoryId: string): string {
  const engine = (path: string): string => JSON.stringify(join(import.meta.dirname, "..", "..", path));
  return `
    import { archive } from ${engine("repo-format/archiver/archive.ts")};
    import { LocalNotes } from ${engine("repo-format/notes/local-notes.ts")};
    import { LocalDirectoryStorage } from ${engine("repo-format/storage/local-directory.ts")};
    import { backupDefaults } from ${engine("test/support/archive-fixture.ts")};
    import { FaultyStorage } from ${engine("test/support/faulty-storage.ts")};
    import { reopen, storedKeys } from ${engine("test/support/memory-repository.ts")};
    const beneath = new LocalDirectoryStorage(${JSON.stringify(repository)});
    const storage = new FaultyStorage(beneath);
    let sent = 0;
    let indexFiles = 0;
    let isLastIndex = false;
    storage.plan = async ({ method, key }) => {
      if (method !== "put") return;
      if (key.startsWith("index/")) {
        indexFiles++;
        isLastIndex ||= (await storedKeys(beneath, "data/")).length >= 5;
      }
      if (!key.startsWith("data/") || ++sent <= 5) return;
      const isIndexed = async () => isLastIndex && (await storedKeys(beneath, "index/")).length >= indexFiles;
      while (!(await isIndexed())) await new Promise((next) => setTimeout(next, 5));
      console.log("waiting");
      await new Promise(() => setInterval(() => {}, 1000));
    };
    const repo = await reopen(storage, { packSizeBytes: ${packSizeBytes} });
    const notes = await LocalNotes.open({
      directory: ${JSON.stringify(volume.notesDirectory)}, repositoryId: ${JSON.stringify(repositoryId)},
      clock: () => Date.now() + 60_000, onWarning: console.error, minResumeBytes: ${10 * mebibyte},
    });
    await archive(repo, { ...backupDefaults(${JSON.stringify(volume.source)}), threads: 1, notes, indexIntervalMs: 0 });
  `;
}

test("blobs that are gone from the repository, and a damaged note, end what is known there", async () => {
  const repo = await dyingBackup(6);
  const [name] = notesOf(repo) as [string];
  const path = join(volume.notesDirectory, repo.id, name);
  const whole = readFileSync(path);
  const treeOf = async (options: Partial<ArchiveOptions> = {}): Promise<BlobId> =>
    (await backUp(repo, volume.source, { notes: await openNotes(repo), parent: "none", ...options })).treeId;

  const damages = [
    whole.map((byte, index) => (index === 600 ? byte ^ 1 : byte)),
    whole.subarray(0, 700),
    whole.subarray(0, 3),
    Buffer.concat([whole, whole.subarray(17)]),
  ];
  for (const damaged of damages) {
    writeFileSync(path, damaged);
    assert.equal(await treeOf(), volume.tree);
  }

  const other = await createTestRepository({ packSizeBytes });
  const empty = await openNotes(repo);
  writeFileSync(path, whole);
  assert.equal((await backUp(other, volume.source, { notes: empty })).treeId, volume.tree);
  await other.refreshIndex();
  assert.equal(indexedBeginning(other, volume.content), volume.fileBytes);
});

// The tests that follow change the file.

test("a file that was changed since is read from its beginning", async () => {
  const repo = await dyingBackup(6);
  const bytes = readFileSync(volume.file);
  bytes[5] = (bytes[5] as number) ^ 1;
  writeFileSync(volume.file, bytes);
  const result = await backUp(repo, volume.source, { notes: await openNotes(repo) });
  assert.equal(result.treeId, (await backUp(await createTestRepository({ packSizeBytes }), volume.source)).treeId);
  assert.notEqual(result.treeId, volume.tree);
});

test("a file that was written to right before it was opened gets no note", async () => {
  const repo = await createTestRepository({ packSizeBytes });
  const notes = await openNotes(repo, 0);
  utimesSync(volume.file, 1, 1);
  let seen: string[] = [];
  await backUp(repo, volume.source, {
    notes,
    noScan: true,
    onProgress: () => {
      seen = [...seen, ...notesOf(repo)];
    },
  });
  assert.deepEqual(seen, []);
});
