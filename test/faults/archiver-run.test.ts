// Backups that are cut off: by a dead thread, a store that fails or is slow, a cancel, a lost lock. No snapshot is written
// then, nothing hangs, memory stays bounded, and the next run finds what was stored.
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveOptions, ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { type ErrorCode, RepositoryError } from "../../repo-format/errors.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import { BlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { blobWorkerUrl } from "../../repo-format/workers/worker-url.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { FaultyStorage, unavailable } from "../support/faulty-storage.ts";
import { createTestRepository, reopen, seededBytes, storedKeys } from "../support/memory-repository.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;
const rejectsWith =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    RepositoryError.is(error, code);

interface Rig {
  readonly source: string;
  readonly storage: FaultyStorage;
  readonly repo: Repository;
  backUp(options?: Partial<ArchiveOptions>): Promise<ArchiveResult>;
  /** Everything is as it should be after a failed backup: no snapshot, and a second one finds what was stored. */
  assertResumes(options?: { readonly isWorkKept: boolean }): Promise<void>;
}

/** A source of 40 MiB in small and big files, and a store that does what the test says. */
async function rigFor(t: TestContext): Promise<Rig> {
  const source = temporaryDirectory(t, "source");
  for (let file = 0; file < 40; file++) writeFileSync(join(source, `f${file}`), seededBytes(file, mebibyte / 2));
  writeFileSync(join(source, "big"), seededBytes("big", 20 * mebibyte));
  const storage = new FaultyStorage(new InMemoryStorage());
  const repo = await createTestRepository({ storage, packSizeBytes: 4 * mebibyte });
  const descriptors = openDescriptors();
  return {
    source,
    storage,
    repo,
    backUp: (options = {}) => archive(repo, { ...backupDefaults(source), ...options }),
    async assertResumes({ isWorkKept } = { isWorkKept: false }) {
      storage.plan = () => undefined;
      assert.deepEqual(await storedKeys(storage, "snapshots/"), []);
      assert.equal(openDescriptors(), descriptors, "no descriptor is left open");
      const fresh = await reopen(storage, { packSizeBytes: 4 * mebibyte });
      const result = await archive(fresh, backupDefaults(source));
      assert.deepEqual([result.summary.filesNew, result.warningCount], [41, 0]);
      if (isWorkKept) assert.ok(result.summary.dataAdded < 40 * mebibyte, `${result.summary.dataAdded} bytes added`);
      const forced = await archive(fresh, { ...backupDefaults(source), parent: "none" });
      assert.equal(forced.summary.dataAdded, 0);
    },
  };
}

/** Descriptors of files and directories; threads and their channels come and go. */
function openDescriptors(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return process.getBuiltinModule("node:fs").readlinkSync(`/proc/self/fd/${fd}`).startsWith("/tmp/");
    } catch {
      return false;
    }
  }).length;
}

/** Threads that die at their n-th task. */
function mortalPool(repo: Repository, tasks: number): BlobWorkerPool {
  const code = `
    import { parentPort } from "node:worker_threads";
    let tasks = 0;
    parentPort.on("message", ({ task }) => { if (task !== undefined && ++tasks >= ${tasks}) process.exit(1); });
    await import(${JSON.stringify(blobWorkerUrl.href)});`;
  const { masterKey, version, index } = repo;
  const entry = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  return new BlobWorkerPool({ masterKey, version, table: index.table, threads: 2, entry });
}

for (const tasks of [1, 2, 4]) {
  test(`a thread that dies at its task ${tasks} ends the backup with "worker-failed"`, async (t) => {
    const { repo, backUp, assertResumes } = await rigFor(t);
    const pool = mortalPool(repo, tasks);
    await assert.rejects(backUp({ pool }), rejectsWith("worker-failed"));
    await pool.close();
    await assertResumes({ isWorkKept: tasks > 2 });
  });
}

for (const number of [1, 3, 8]) {
  test(`a store that refuses pack ${number} ends the backup with its error`, async (t) => {
    const { storage, backUp, assertResumes } = await rigFor(t);
    let packs = 0;
    storage.plan = (call) => {
      const isRefused = call.method === "put" && call.key.startsWith("data/") && ++packs >= number;
      return isRefused ? Promise.reject(unavailable(call)) : undefined;
    };
    await assert.rejects(backUp(), rejectsWith("storage-unavailable"));
    await assertResumes({ isWorkKept: number > 1 });
  });
}

test("a store that fails only at the end leaves no snapshot", async (t) => {
  const { storage, backUp, assertResumes } = await rigFor(t);
  storage.plan = (call) =>
    call.method === "put" && call.key.startsWith("index/") ? Promise.reject(unavailable(call)) : undefined;
  await assert.rejects(backUp(), rejectsWith("storage-unavailable"));
  await assertResumes();
});

for (const stage of ["at once", "at the first pack", "at the third pack"]) {
  test(`a backup that is cancelled ${stage} ends with "cancelled"`, async (t) => {
    const { storage, backUp, assertResumes } = await rigFor(t);
    const controller = new AbortController();
    let packs = 0;
    storage.plan = ({ method, key }) => {
      if (method !== "put" || !key.startsWith("data/")) return undefined;
      packs++;
      if (stage !== "at once" && packs === (stage === "at the first pack" ? 1 : 3)) controller.abort();
      return undefined;
    };
    if (stage === "at once") controller.abort();
    await assert.rejects(backUp({ signal: controller.signal }), rejectsWith("cancelled"));
    await assertResumes({ isWorkKept: stage === "at the third pack" });
  });
}

test("when the lock is lost the backup ends with that, and writes no snapshot", async (t) => {
  const { storage, backUp, assertResumes } = await rigFor(t);
  const controller = new AbortController();
  const reason = new RepositoryError("lock-lost", "the lock could not be refreshed");
  storage.plan = ({ method, key }) => {
    // The last thing before the snapshot.
    if (method === "put" && key.startsWith("index/")) controller.abort(reason);
    return undefined;
  };
  await assert.rejects(backUp({ signal: controller.signal }), (error) =>
    ["lock-lost", "cancelled"].includes((error as RepositoryError).code),
  );
  await assertResumes();
});

test("a slow store slows the threads: what is in flight stays within the budget", async (t) => {
  const { source, storage, repo, backUp } = await rigFor(t);
  for (let file = 0; file < 3; file++) {
    writeFileSync(join(source, `large ${file}`), seededBytes(`large ${file}`, 40 * mebibyte));
  }
  const { masterKey, version, index } = repo;
  const maxBytesInFlight = 26 * mebibyte;
  const pool = new BlobWorkerPool({ masterKey, version, table: index.table, threads: 2, maxBytesInFlight });
  t.after(() => pool.close());
  let sealedAhead = 0;
  let uploads = 0;
  storage.plan = ({ method, key }) => {
    if (method !== "put" || !key.startsWith("data/")) return undefined;
    uploads++;
    return (async () => {
      // Long enough for the threads to run into the limit.
      for (let turn = 0; turn < 2000 && pool.budget.usedBytes < maxBytesInFlight; turn++) await nextTurn();
      sealedAhead = Math.max(sealedAhead, pool.budget.usedBytes);
    })();
  };
  const result = await backUp({ pool });
  assert.ok(uploads > 20 && sealedAhead > 0);
  assert.ok(pool.budget.peakBytes <= maxBytesInFlight, `${pool.budget.peakBytes} bytes were in flight`);
  assert.equal(result.warningCount, 0);
  assert.equal(pool.budget.usedBytes, 0);
});

test("a budget smaller than any task still lets the backup through", async (t) => {
  const { repo, backUp } = await rigFor(t);
  const { masterKey, version, index } = repo;
  const pool = new BlobWorkerPool({ masterKey, version, table: index.table, threads: 2, maxBytesInFlight: 1 });
  t.after(() => pool.close());
  const result = await backUp({ pool });
  assert.deepEqual([result.summary.filesNew, result.warningCount], [41, 0]);
});

test("several backups share a pool and a repository at the same time", async (t) => {
  const { repo, backUp } = await rigFor(t);
  const { masterKey, version, index } = repo;
  const pool = new BlobWorkerPool({ masterKey, version, table: index.table, threads: 2 });
  t.after(() => pool.close());
  const results = await Promise.all([1, 2, 3].map((number) => backUp({ pool, tags: [`run=${number}`] })));
  const [first] = results;
  assert.ok(results.every((result) => result.treeId === first?.treeId && result.warningCount === 0));
  const added = results.reduce((sum, result) => sum + result.summary.dataAdded, 0);
  assert.ok(added < 41 * mebibyte, `${added} bytes: each blob was stored once`);
});
