// Backups that die in the middle of a large file, and the runs after them: nothing that was indexed is stored again, and
// reading goes on where the file was cut last.
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveOptions, ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import { plaintextLength } from "../../repo-format/format/blob.ts";
import type { BlobId } from "../../repo-format/format/id.ts";
import { iterateTree } from "../../repo-format/format/tree.ts";
import { LocalNotes } from "../../repo-format/notes/local-notes.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { FaultyStorage } from "../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes } from "../support/memory-repository.ts";
import { bytesReadBy } from "../support/read-bytes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

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
async function largeFile(t: TestContext): Promise<Volume> {
  const folder = temporaryDirectory(t, "resume");
  const file = join(folder, "large");
  writeFileSync(file, seededBytes("first", 22 * mebibyte));
  appendFileSync(file, Buffer.alloc(11 * mebibyte));
  truncateSync(file, 45 * mebibyte + 4096);
  appendFileSync(file, seededBytes("second", 15 * mebibyte));
  const fileBytes = readFileSync(file).length;
  const repo = await createTestRepository({ packSizeBytes });
  const { treeId } = await backUp(repo, folder);
  const [node] = iterateTree(await repo.loadTree(treeId));
  assert.equal(node?.size, fileBytes);
  const notesDirectory = join(temporaryDirectory(t, "notes"), "notes");
  return { source: folder, file, fileBytes, notesDirectory, tree: treeId, content: node.content ?? [] };
}

function backUp(repo: Repository, source: string, options: Partial<ArchiveOptions> = {}): Promise<ArchiveResult> {
  return archive(repo, { ...backupDefaults(source), threads: 1, ...options });
}

/** @param later ms by which its clock is fast: a file must have been left alone for a while. */
async function openNotes({ notesDirectory: directory }: Volume, repo: Repository, later = 60_000): Promise<LocalNotes> {
  const clock = (): number => Date.now() + later;
  const onWarning = (message: string): void => assert.fail(message);
  const options = { directory, repositoryId: repo.id, clock, onWarning, minResumeBytes: 10 * mebibyte };
  return (await LocalNotes.open(options)) as LocalNotes;
}

/**
 * A backup that dies: from some request on the store does not hear of it.
 * @param packs that reach the store before the end.
 * @returns the repository as others find it.
 */
async function dyingBackup(volume: Volume, packs: number): Promise<Repository> {
  const memory = new InMemoryStorage();
  const storage = new FaultyStorage(memory);
  const repo = await createTestRepository({ storage, packSizeBytes });
  let isDead = false;
  let stored = 0;
  storage.plan = ({ method, key }) => {
    if (method === "put" && key.startsWith("data/") && ++stored > packs) isDead = true;
    if (isDead) throw new RepositoryError("storage-unavailable", "the process is dead");
    return undefined;
  };
  const notes = await openNotes(volume, repo);
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

function indexedBytes(repo: Repository): number {
  let bytes = 0;
  for (const { type, id } of repo.index.blobs())
    if (type === "data") bytes += plaintextLength(repo.index.lookup({ type, id })[0] as never);
  return bytes;
}

function notesOf({ notesDirectory }: Volume, repo: Repository): string[] {
  return readdirSync(join(notesDirectory, repo.id));
}

test("a backup that died goes on inside the large file, and stores nothing that was indexed", async (t) => {
  const volume = await largeFile(t);
  const full = await bytesReadBy(async () => backUp(await createTestRepository({ packSizeBytes }), volume.source));
  for (const packs of [2, 4, 7]) {
    const repo = await dyingBackup(volume, packs);
    await repo.refreshIndex();
    const indexed = indexedBytes(repo);
    const beginning = indexedBeginning(repo, volume.content);
    assert.ok(indexed > 0, `${packs} packs: the index was saved while the run lived`);
    assert.equal(notesOf(volume, repo).length, 1);
    let result: ArchiveResult | undefined;
    const notes = await openNotes(volume, repo);
    const read = await bytesReadBy(async () => {
      result = await backUp(repo, volume.source, { notes });
    });
    assert.equal(result?.treeId, volume.tree, "the same cuts");
    const distinct = new Set(volume.content);
    const all = [...distinct].reduce(
      (sum, id) => sum + plaintextLength(repo.index.lookup({ type: "data", id })[0] as never),
      0,
    );
    const added = result?.summary.dataAdded ?? 0;
    assert.ok(
      added >= all - indexed && added <= all - indexed + treeBytes,
      `${packs} packs: ${added} of ${all - indexed}`,
    );
    const mostRead = full - beginning + 2 * rangeBytes;
    assert.ok(read <= mostRead, `${packs} packs: ${read} bytes read, ${mostRead} at most`);
    t.diagnostic(`${packs} packs: ${beginning} of ${volume.fileBytes} known, ${read} read`);
    assert.deepEqual(notesOf(volume, repo), [], "the note has served its purpose");
  }
});

test("a run after a dead one without notes stores nothing twice either, but reads everything", async (t) => {
  const volume = await largeFile(t);
  const repo = await dyingBackup(volume, 7);
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
  assert.ok(read > 45 * mebibyte, `${read} bytes`);
});

test("a file that was changed since is read from its beginning", async (t) => {
  const volume = await largeFile(t);
  const repo = await dyingBackup(volume, 7);
  const bytes = readFileSync(volume.file);
  bytes[5] = (bytes[5] as number) ^ 1;
  writeFileSync(volume.file, bytes);
  const result = await backUp(repo, volume.source, { notes: await openNotes(volume, repo) });
  assert.equal(result.treeId, (await backUp(await createTestRepository({ packSizeBytes }), volume.source)).treeId);
  assert.notEqual(result.treeId, volume.tree);
});

test("a file that was written to right before it was opened gets no note", async (t) => {
  const volume = await largeFile(t);
  const repo = await createTestRepository({ packSizeBytes });
  const notes = await openNotes(volume, repo, 0);
  utimesSync(volume.file, 1, 1);
  let seen: string[] = [];
  await backUp(repo, volume.source, {
    notes,
    noScan: true,
    onProgress: () => {
      seen = [...seen, ...notesOf(volume, repo)];
    },
  });
  assert.deepEqual(seen, []);
});

test("blobs that are gone from the repository, and a damaged note, end what is known there", async (t) => {
  const volume = await largeFile(t);
  const repo = await dyingBackup(volume, 7);
  const [name] = notesOf(volume, repo) as [string];
  const path = join(volume.notesDirectory, repo.id, name);
  const whole = readFileSync(path);
  const treeOf = async (options: Partial<ArchiveOptions> = {}): Promise<BlobId> =>
    (await backUp(repo, volume.source, { notes: await openNotes(volume, repo), ...options })).treeId;

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
  const empty = await openNotes(volume, repo);
  writeFileSync(path, whole);
  assert.equal((await backUp(other, volume.source, { notes: empty })).treeId, volume.tree);
  await other.refreshIndex();
  assert.equal(indexedBeginning(other, volume.content), volume.fileBytes);
});
