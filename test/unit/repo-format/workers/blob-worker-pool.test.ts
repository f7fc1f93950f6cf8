import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createFastCdcChunker } from "../../../../repo-format/chunker/fastcdc-chunker.ts";
import { decompress } from "../../../../repo-format/compression/zstd.ts";
import { generateMasterKey } from "../../../../repo-format/crypto/master-key.ts";
import { Sealer } from "../../../../repo-format/crypto/seal.ts";
import { RepositoryError } from "../../../../repo-format/errors.ts";
import { DirectoryHandle } from "../../../../repo-format/file-tree/directory-handle.ts";
import { type BlobId, idOf, type PackId } from "../../../../repo-format/format/id.ts";
import { BlobIndex } from "../../../../repo-format/index/blob-index.ts";
import type { BlobRun } from "../../../../repo-format/workers/blob-run.ts";
import { BlobWorkerPool, type BlobWorkerPoolOptions } from "../../../../repo-format/workers/blob-worker-pool.ts";
import {
  type FileBatch,
  fileStatus,
  idsOf,
  type RangeCut,
  type SealedBlob,
} from "../../../../repo-format/workers/messages.ts";
import { TaskGate } from "../../../../repo-format/workers/task-gate.ts";
import { seededBytes } from "../../../support/memory-repository.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const masterKey = generateMasterKey((size) => seededBytes("key", size));
const sealer = new Sealer(masterKey);

function poolFor(t: TestContext, options: Partial<BlobWorkerPoolOptions> = {}): BlobWorkerPool {
  const pool = new BlobWorkerPool({ masterKey, version: 2, table: new BlobIndex().table, threads: 2, ...options });
  t.after(() => pool.close());
  return pool;
}

/** A thread that does this with each task. */
function oddWorker(behaviour: string, declarations = ""): URL {
  const code = `import { parentPort } from "node:worker_threads"; ${declarations} parentPort.on("message", ({ task }) => { ${behaviour} });`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** Names with their limits, as if lstat had seen nothing of them. */
function batchOf(directory: DirectoryHandle, names: readonly string[], limitBytes = mebibyte): FileBatch {
  const bytes = names.map((name) => Buffer.from(name));
  let end = 0;
  return {
    directories: Int32Array.from(names, () => directory.fd),
    names: new Uint8Array(Buffer.concat(bytes)),
    nameEnds: Uint32Array.from(bytes, (name) => (end += name.length)),
    identities: new BigInt64Array(names.length * 3),
    sizes: new Float64Array(names.length),
    limits: Float64Array.from(names, () => limitBytes),
  };
}

function openDirectory(t: TestContext): { path: string; directory: DirectoryHandle } {
  const path = temporaryDirectory(t);
  const directory = DirectoryHandle.openRoot(path);
  t.after(() => directory.close());
  return { path, directory };
}

function plaintextOf({ sealed, uncompressedLength }: SealedBlob): Buffer {
  const opened = sealer.open(sealed);
  return uncompressedLength === 0 ? opened : decompress(opened, uncompressedLength);
}

/** Runs with an uploader that remembers. */
function collecting<T>(pool: BlobWorkerPool, fn: (run: BlobRun, blobs: SealedBlob[]) => Promise<T>): Promise<T> {
  const blobs: SealedBlob[] = [];
  return pool.withRun({ accept: async (more) => void blobs.push(...more.map(copied)) }, (run) => fn(run, blobs));
}

/** The sealed bytes go when they were accepted. */
function copied(blob: SealedBlob): SealedBlob {
  return { ...blob, sealed: Buffer.from(blob.sealed) };
}

async function archive(run: BlobRun, batch: FileBatch): ReturnType<BlobRun["archiveFiles"]> {
  const bytes = batch.limits.reduce((sum, limit) => sum + limit, 0);
  await run.reserve(bytes);
  return run.archiveFiles(batch, bytes);
}

test("files of a batch come back as ids, and each new content once as a sealed blob", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t);
  writeFileSync(join(path, "a"), "first first first first first first");
  writeFileSync(join(path, "b"), "second");
  writeFileSync(join(path, "c"), "second");
  writeFileSync(join(path, "empty"), "");
  await collecting(pool, async (run, blobs) => {
    const result = await archive(run, batchOf(directory, ["a", "b", "c", "empty"]));
    assert.deepEqual([...result.statuses], [0, 0, 0, 0]);
    assert.deepEqual([...result.sizes], [35, 6, 6, 0]);
    assert.deepEqual([...result.blobCounts], [1, 1, 1, 0]);
    const first = idOf(Buffer.from("first first first first first first"));
    const second = idOf(Buffer.from("second"));
    assert.deepEqual(idsOf(result.content), [first, second, second]);
    assert.deepEqual(
      blobs.map((blob) => [blob.id, plaintextOf(blob).toString(), blob.plaintextLength]),
      [
        [first, "first first first first first first", 35],
        [second, "second", 6],
      ],
    );
  });
  assert.equal(pool.budget.usedBytes, 0);
});

test("what cannot be read becomes a row of the result, and the rest goes on", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t);
  mkdirSync(join(path, "dir"));
  symlinkSync("a", join(path, "link"));
  writeFileSync(join(path, "a"), "a");
  writeFileSync(join(path, "large"), Buffer.alloc(2 * mebibyte));
  await collecting(pool, async (run) => {
    const result = await archive(run, batchOf(directory, ["absent", "dir", "link", "large", "a"]));
    const { vanished, unreadable, grown, read } = fileStatus;
    assert.deepEqual([...result.statuses], [vanished, unreadable, unreadable, grown, read]);
    assert.deepEqual(
      result.failures.map(({ index }) => index),
      [0, 1, 2],
    );
    assert.equal(result.sizes[3], 2 * mebibyte);
    assert.equal(idsOf(result.content).length, 1);
  });
});

test("a blob that the shared table knows is not sealed, also when it was added after the thread began", async (t) => {
  const { path, directory } = openDirectory(t);
  const index = new BlobIndex();
  const pool = poolFor(t, { table: index.table, threads: 1 });
  writeFileSync(join(path, "a"), "known");
  writeFileSync(join(path, "b"), "known as well");
  await collecting(pool, async (run, blobs) => {
    await archive(run, batchOf(directory, ["a"]));
    assert.equal(blobs.length, 1);
    const id: BlobId = idOf(Buffer.from("known as well"));
    index.add("ab".repeat(32) as PackId, [{ type: "data", id, offset: 0, length: 60, uncompressedLength: 0 }]);
    await archive(run, batchOf(directory, ["b"]));
    assert.equal(blobs.length, 1);
  });
});

test("ranges of a big file, each begun where the one before was cut, give the cuts of one pass", async (t) => {
  const { path } = openDirectory(t);
  const pool = poolFor(t);
  const bytes = seededBytes("big", 40 * mebibyte);
  const name = join(path, "big");
  writeFileSync(name, bytes);
  const fd = openSync(name, "r");
  t.after(() => closeSync(fd));
  const expected: string[] = [];
  let start = 0;
  for (const end of createFastCdcChunker().cut(bytes, true)) {
    expected.push(idOf(bytes.subarray(start, end)));
    start = end;
  }
  await collecting(pool, async (run, blobs) => {
    const parts: Promise<BlobId[]>[] = [];
    let cut: RangeCut = { nextOffset: 0, afterZeroChunk: false, atEnd: false };
    while (!cut.atEnd) {
      const windowBytes = 9 * mebibyte;
      const { promise, resolve } = Promise.withResolvers<RangeCut>();
      await run.reserve(windowBytes);
      const { nextOffset: offset, afterZeroChunk } = cut;
      const range = { fd, offset, windowBytes, isLast: false, afterZeroChunk };
      parts.push(run.archiveRange(range, windowBytes, resolve).then(({ content }) => idsOf(content)));
      cut = await promise;
    }
    assert.deepEqual((await Promise.all(parts)).flat(), expected);
    assert.equal(pool.startedThreads, 2, "a range is cut while the one before is still being sealed");
    assert.deepEqual(new Set(blobs.map((blob) => blob.id)), new Set(expected));
    for (const blob of blobs) assert.equal(idOf(plaintextOf(blob)), blob.id);
  });
});

test("plaintexts are sealed under the ids that came with them, trees always compressed", async (t) => {
  const pool = poolFor(t, { compression: "off" });
  const texts = ['{"nodes":[]}\n', "x"];
  const bytes = new Uint8Array(Buffer.from(texts.join("")));
  const ids = new Uint8Array(Buffer.from(texts.map((text) => idOf(Buffer.from(text))).join(""), "hex"));
  await collecting(pool, async (run, blobs) => {
    await run.reserve(bytes.length);
    await run.sealPlaintexts({ type: "tree", bytes, ends: Uint32Array.of(13, 14), ids }, 14);
    assert.deepEqual(
      blobs.map((blob) => [blob.type, plaintextOf(blob).toString(), blob.uncompressedLength]),
      [
        ["tree", texts[0], 13],
        ["tree", texts[1], 1],
      ],
    );
  });
});

test("in a repository of version 1 nothing is compressed", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t, { version: 1, compression: "max" });
  writeFileSync(join(path, "a"), Buffer.alloc(5000, "text "));
  await collecting(pool, async (run, blobs) => {
    await archive(run, batchOf(directory, ["a"]));
    assert.deepEqual([blobs[0]?.uncompressedLength, blobs[0]?.sealed.length], [0, 5032]);
  });
});

test("threads start when there is work, no more than are wanted, and stay", async (t) => {
  const pool = poolFor(t, { threads: 1 });
  assert.equal(pool.startedThreads, 0);
  const { path, directory } = openDirectory(t);
  writeFileSync(join(path, "a"), "a");
  await collecting(pool, async (run) => {
    await Promise.all([1, 2, 3, 4].map(() => archive(run, batchOf(directory, ["a"]))));
  });
  assert.equal(pool.startedThreads, 1);
});

for (const behaviour of ['throw new Error("broken by the test")', "process.exit(3)"]) {
  test(`a thread that dies (${behaviour}) fails everything under way with "worker-failed" and ends the pool`, async (t) => {
    const { directory } = openDirectory(t);
    const pool = poolFor(t, { entry: oddWorker(behaviour) });
    const failed = (error: unknown): boolean => RepositoryError.is(error, "worker-failed");
    await collecting(pool, async (run) => {
      const tasks = Array.from({ length: 8 }, () => archive(run, batchOf(directory, ["a"])));
      const results = await Promise.allSettled(tasks);
      assert.ok(results.every((result) => result.status === "rejected" && failed(result.reason)));
      await assert.rejects(archive(run, batchOf(directory, ["a"])), failed);
    });
    assert.equal(pool.budget.usedBytes, 0);
  });
}

test("a task waits behind the one that was begun first, which is over first", async (t) => {
  // Answers the very first task at once, and from then on when it holds two.
  const behaviour = `
    if (task === undefined) return;
    if (task === 1) return parentPort.postMessage(done(task));
    held.push(task);
    if (held.length === 2) for (const one of held.splice(0)) parentPort.postMessage(done(one));
  `;
  const declared = "var held = []; var done = (task) => ({ kind: 'done', task, times: { totalMs: 0, readingMs: 0 } });";
  const pool = poolFor(t, { entry: oddWorker(behaviour, declared) });
  const columns = { sealed: new Uint8Array(), blobs: new Uint32Array(), ids: new Uint8Array(), types: [] };
  const submit = (): Promise<unknown> => pool.restoreBlobs({ kind: "verify", ...columns });
  const [first, second] = [submit(), submit()];
  await first;
  const third = submit();
  const fourth = submit();
  const ended = [second.then(() => "second"), third.then(() => "third")];
  assert.equal(await Promise.race(ended), "second");
  await fourth;
  await Promise.all([pool.close(), assert.rejects(third)]);
});

test('closing the pool rejects what is under way with "cancelled"', async (t) => {
  const { directory } = openDirectory(t);
  const pool = poolFor(t, { entry: oddWorker("") });
  await collecting(pool, async (run) => {
    const task = archive(run, batchOf(directory, ["a"]));
    const rejected = assert.rejects(task, (error) => RepositoryError.is(error, "cancelled"));
    await new Promise((resolve) => setImmediate(resolve));
    await pool.close();
    await rejected;
  });
});

test("a cancelled run gives up what no thread has begun, and what a thread has begun between two files", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t, { threads: 1, maxBytesInFlight: 1000 * mebibyte });
  const names = Array.from({ length: 40 }, (_, index) => `f${index}`);
  for (const name of names) truncateSync(openedFor(join(path, name)), mebibyte);
  const controller = new AbortController();
  const work = pool.withRun({ accept: async () => {}, signal: controller.signal }, async (run) => {
    const tasks = Array.from({ length: 10 }, () => archive(run, batchOf(directory, names, 2 * mebibyte)));
    const results = Promise.allSettled(tasks);
    controller.abort();
    return results;
  });
  const results = await work;
  assert.ok(results.every((result) => result.status === "rejected" && RepositoryError.is(result.reason, "cancelled")));
  assert.equal(pool.budget.usedBytes, 0);
});

test("bytes stay taken until the uploader has accepted them", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t);
  writeFileSync(join(path, "a"), seededBytes("a", mebibyte - 1));
  const accepted = Promise.withResolvers<void>();
  const offered = Promise.withResolvers<void>();
  const accept = (): Promise<void> => {
    offered.resolve();
    return accepted.promise;
  };
  await pool.withRun({ accept }, async (run) => {
    const task = archive(run, batchOf(directory, ["a"]));
    await offered.promise;
    assert.equal(pool.budget.usedBytes, mebibyte);
    accepted.resolve();
    await task;
    assert.equal(pool.budget.usedBytes, 0);
  });
});

test("an uploader that fails fails the task", async (t) => {
  const { path, directory } = openDirectory(t);
  const pool = poolFor(t);
  writeFileSync(join(path, "a"), "a");
  const accept = async (): Promise<void> => {
    throw new RepositoryError("storage-full", "no space left");
  };
  const work = pool.withRun({ accept }, (run) => archive(run, batchOf(directory, ["a"])));
  await assert.rejects(work, (error) => RepositoryError.is(error, "storage-full"));
  assert.equal(pool.budget.usedBytes, 0);
});

/** Creates the file. @returns its path */
function openedFor(path: string): string {
  closeSync(openSync(path, "w"));
  return path;
}

test("pools with one gate never have more tasks in hand than it lets through, and give their room back", async (t) => {
  const { path, directory } = openDirectory(t);
  let most = 0;
  class WatchedGate extends TaskGate {
    override take(): void {
      super.take();
      most = Math.max(most, this.used);
    }
  }
  const gate = new WatchedGate();
  gate.setLimit(1);
  const names = Array.from({ length: 6 }, (_, index) => `file-${index}`);
  for (const name of names) writeFileSync(join(path, name), name);
  const archiveAll = (run: BlobRun) => Promise.all(names.map((name) => archive(run, batchOf(directory, [name]))));
  const pools = [poolFor(t, { gate }), poolFor(t, { gate })];
  const results = await Promise.all(pools.map((pool) => collecting(pool, archiveAll)));
  assert.equal(results.flat().length, 12);
  assert.deepEqual([most, gate.used], [1, 0]);
  const stuck = poolFor(t, { gate, entry: oddWorker("") });
  const never = stuck.withRun({ accept: async () => undefined }, (run) => archive(run, batchOf(directory, ["file-0"])));
  never.catch(() => undefined);
  await stuck.close();
  await assert.rejects(never);
  assert.equal(gate.used, 0);
});
