// One random tree through both programs: our backup is restored and checked by restic, restic's backup on top of it is
// checked and restored by us, unchanged files are stored once, and restic's own maintenance works on what we wrote.
import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { archive } from "../../repo-format/archiver/archive.ts";
import type { ArchiveResult } from "../../repo-format/archiver/archive-options.ts";
import { check } from "../../repo-format/maintenance/check.ts";
import { withLock } from "../../repo-format/repository/lock.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { restore } from "../../repo-format/restorer/restore.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { type BlobWorkerPool, createBlobWorkerPool } from "../../repo-format/workers/blob-worker-pool.ts";
import { changeTree } from "./change-tree.ts";
import { compareTrees } from "./compare-trees.ts";
import { createTestRepository, reopen, testPassword } from "./memory-repository.ts";
import { writeRandomTree } from "./random-tree.ts";
import { type ResticResult, resticMust } from "./restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "./temporary-directory.ts";

const host = "interop";
const lockTimings = { settleMs: 0 };

export interface RoundTripOptions {
  readonly seed: number | string;
  readonly version: 1 | 2;
  readonly entries?: number;
  /** A folder with a repository that restic made (password `testPassword`); it is copied. Default: ours, made anew. */
  readonly resticRepository?: string;
}

/** Throws an AssertionError that names the seed at the first thing that is not as it should be. */
export async function roundTrip(options: RoundTripOptions): Promise<void> {
  const folder = makeTemporaryDirectory("interop");
  try {
    const repo = await open(folder, options);
    const pool = createBlobWorkerPool(repo, 1);
    await new RoundTrip(folder, { options, repo, pool }).run().finally(() => pool.close());
  } catch (error) {
    throw new Error(`seed ${options.seed}, repository version ${options.version}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    removeDirectory(folder);
  }
}

async function open(folder: string, { resticRepository, version }: RoundTripOptions): Promise<Repository> {
  const path = repositoryIn(folder);
  if (resticRepository !== undefined) cpSync(resticRepository, path, { recursive: true });
  const storage = new LocalDirectoryStorage(path, { create: true });
  return resticRepository === undefined ? createTestRepository({ storage, version }) : reopen(storage);
}

function repositoryIn(folder: string): string {
  return join(folder, "repository");
}

interface RoundTripParts {
  readonly options: RoundTripOptions;
  readonly repo: Repository;
  /** One thread, kept for all that is done with the tree. */
  readonly pool: BlobWorkerPool;
}

class RoundTrip {
  readonly #folder: string;
  readonly #tree: string;
  readonly #options: RoundTripOptions;
  readonly #repo: Repository;
  readonly #pool: BlobWorkerPool;

  constructor(folder: string, { options, repo, pool }: RoundTripParts) {
    this.#folder = folder;
    this.#tree = join(folder, "tree");
    this.#options = options;
    this.#repo = repo;
    this.#pool = pool;
  }

  async run(): Promise<void> {
    const { seed, entries = 200 } = this.#options;
    mkdirSync(this.#tree);
    writeRandomTree(this.#tree, { seed, entries, devices: true });
    const first = await this.#backUp();
    assert.equal(first.summary.filesNew > 0, true);
    await this.#resticRestoresAll("restored by restic");
    changeTree(this.#tree, seed);
    const second = await this.#backUp();
    assert.equal(second.parentId, first.snapshotId, "our second backup has our first as parent");
    const theirs = (await this.#restic(["backup", "--json", "--host", host, this.#tree])).messages.at(-1);
    assert.equal(theirs?.data_blobs ?? 0, 0, "restic finds nothing to store in files that we stored");
    assert.equal(
      theirs?.files_unmodified,
      second.summary.totalFilesProcessed,
      "restic takes every file for unmodified",
    );
    const ours = await this.#backUp();
    assert.equal(ours.summary.dataBlobs, 0, "we find nothing to store in files that restic kept");
    assert.equal(ours.summary.filesUnmodified, second.summary.totalFilesProcessed);
    await this.#resticRestoresAll("restored by restic again");
    await this.#weRestoreAll(ours);
    await this.#maintain();
  }

  async #backUp(): Promise<ArchiveResult> {
    const result = await withLock(this.#repo, { exclusive: false, timings: lockTimings }, (signal) =>
      archive(this.#repo, {
        targets: [this.#tree],
        hostname: host,
        programVersion: "test",
        signal,
        pool: this.#pool,
      }),
    );
    assert.deepEqual(result.warnings, []);
    return result;
  }

  #restic(args: readonly string[]): Promise<ResticResult> {
    return resticMust(args, { repository: repositoryIn(this.#folder), password: testPassword });
  }

  async #resticRestoresAll(name: string): Promise<void> {
    const target = join(this.#folder, name);
    await this.#restic(["restore", `latest:${this.#tree}`, "--target", target]);
    assert.deepEqual(
      compareTrees(this.#tree, target, { root: false }),
      [],
      "what restic restores is what was backed up",
    );
  }

  async #weRestoreAll({ snapshotId }: ArchiveResult): Promise<void> {
    assert.ok(snapshotId);
    const target = join(this.#folder, "restored by us");
    const result = await restore(this.#repo, {
      snapshotId,
      subfolder: this.#tree,
      target,
      restoreDevices: true,
      verify: true,
      pool: this.#pool,
    });
    assert.deepEqual(result.warnings, []);
    assert.deepEqual(compareTrees(this.#tree, target, { root: false }), [], "what we restore is what was backed up");
  }

  /** restic rewrites our trees, forgets and prunes; both programs then find nothing wrong. */
  async #maintain(): Promise<void> {
    await this.#restic(["rewrite", "--exclude", "*a*", "--forget"]);
    await this.#restic(["forget", "--keep-last", "2", "--prune", "--max-unused", "0", "--group-by", ""]);
    const verdict = await this.#restic(["check", "--read-data"]);
    assert.match(verdict.stdout, /no errors were found/);
    const result = await check(this.#repo, { readData: { kind: "all" }, lockTimings });
    assert.deepEqual(
      result.findings.filter(({ severity }) => severity !== "hint"),
      [],
      "our check agrees",
    );
  }
}
