// Whole backups, files to snapshot, of which each call to the store goes wrong in turn.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { RepositoryError } from "../../repo-format/errors.ts";
import type { SnapshotId } from "../../repo-format/format/id.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { InMemoryStorage } from "../../repo-format/storage/in-memory.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { BlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { backupDefaults } from "../support/archive-fixture.ts";
import { assertTruthful, type FaultKind, faultKinds, sweepFaults, sweepTimings } from "../support/fault-sweep.ts";
import { collect, createTestRepository, reopen, seededBytes, storedKeys } from "../support/memory-repository.ts";
import { switchableTable } from "../support/switchable-table.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const mebibyte = 1024 * 1024;

interface Rig {
  readonly base: ObjectStorage;
  backUp(repo: Repository, signal?: AbortSignal): Promise<ArchiveResult>;
}

/** A store with one backup, and a source that has changed since: a parent to compare with, and packs to add. */
async function rigFor(t: TestContext): Promise<Rig> {
  const source = temporaryDirectory(t, "source");
  mkdirSync(join(source, "kept"));
  mkdirSync(join(source, "new"));
  for (let file = 0; file < 3; file++) writeFileSync(join(source, "kept", `f${file}`), seededBytes(file, 100_000));
  const base = new InMemoryStorage();
  const first = await createTestRepository({ storage: base });
  const table = switchableTable();
  const { masterKey, version } = first;
  const pool = new BlobWorkerPool({ masterKey, version, table, threads: 2 });
  t.after(() => pool.close());
  const backUp: Rig["backUp"] = (repo, signal) => {
    table.switchTo(repo.index.table);
    const lock = {
      exclusive: false,
      retryLockMs: 0,
      timings: sweepTimings,
      ...(signal === undefined ? {} : { signal }),
    };
    return withLock(repo, lock, (lockSignal) =>
      archive(repo, { ...backupDefaults(source), pool, signal: lockSignal, findParent: { groupBy: ["host"] } }),
    );
  };
  await backUp(first);
  for (let file = 0; file < 3; file++) {
    writeFileSync(join(source, "new", `n${file}`), seededBytes(`new ${file}`, 3 * mebibyte));
  }
  return { base, backUp };
}

async function snapshotIds(repo: Repository): Promise<SnapshotId[]> {
  return (await collect(repo.snapshots())).map(({ id }) => id);
}

for (const kind of faultKinds) {
  test(`whichever call is ${kind}: no snapshot lies, none is lost, no lock stays, the next backup succeeds`, async (t) => {
    const { base, backUp } = await rigFor(t);
    const [old] = await snapshotIds(await reopen(base));
    let repo: Repository | undefined;
    const calls = await sweepFaults({
      base,
      kinds: [kind],
      run: async (storage, signal) => {
        repo = undefined;
        repo = await reopen(storage, { packSizeBytes: 4 * mebibyte });
        await backUp(repo, signal);
      },
      judge: async ({ storage, failed, error, isDone }) => {
        const ids = await snapshotIds(await assertTruthful(storage));
        assert.ok(ids.includes(old as SnapshotId));
        if (isDone) assert.equal(ids.length, 2);
        else if (!failed?.key.startsWith("snapshots/") && !failed?.key.startsWith("locks/"))
          assert.equal(ids.length, 1);
        if (kind === "cancelled" && error !== undefined) assert.ok(RepositoryError.is(error, "cancelled"));
        if (isLockGivenBack(kind, failed?.method)) assert.deepEqual(await storedKeys(storage, "locks/"), []);
        // The same process, which must not believe in what is not stored; after a kill a new one.
        const next = kind === "killed" || repo === undefined ? await reopen(storage) : repo;
        const result = await backUp(next);
        assert.equal(result.warningCount, 0);
        assert.deepEqual([result.summary.totalFilesProcessed, result.snapshotId !== undefined], [6, true]);
        await assertTruthful(storage);
      },
    });
    t.diagnostic(`${calls} calls`);
  });
}

/** A lock file that cannot be deleted stays; a process that was killed deletes nothing. */
function isLockGivenBack(kind: FaultKind, method: string | undefined): boolean {
  return kind === "cancelled" || (kind !== "killed" && method !== "delete");
}
