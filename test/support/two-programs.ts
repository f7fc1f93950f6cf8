// One repository that our engine and one release of restic use in turn, and the tree that both back up: what each of them
// does to it, in a word.
import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  type ArchiveResult,
  addKey,
  archive,
  type BlobWorkerPool,
  check,
  createBlobWorkerPool,
  forget,
  openStorage,
  parseGroupBy,
  type Repository,
  resolveSnapshot,
  restore,
  withLock,
} from "../../repo-format/index.ts";
import { emptyPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { changeTree } from "./change-tree.ts";
import { compareTrees } from "./compare-trees.ts";
import { cheapKdf, createTestRepository, reopen, testPassword } from "./memory-repository.ts";
import type { ResticVersion } from "./peers.ts";
import { type ResticResult, resticMust } from "./restic.ts";

const host = "both";
const lockTimings = { settleMs: 0 };

export interface TwoProgramsOptions {
  /** Empty, and removed by the caller. */
  readonly folder: string;
  /** Exists already. */
  readonly tree: string;
  readonly restic: ResticVersion;
  /** Of the format. */
  readonly version: 1 | 2;
}

export class TwoPrograms {
  readonly #options: TwoProgramsOptions;
  readonly #repository: string;
  #ours: { readonly repo: Repository; readonly pool: BlobWorkerPool } | undefined;
  #restored = 0;

  constructor(options: TwoProgramsOptions) {
    this.#options = options;
    this.#repository = join(options.folder, "repository");
  }

  async weInit(): Promise<void> {
    const storage = await openStorage(this.#repository, { create: true });
    await createTestRepository({ storage, version: this.#options.version });
  }

  /** We open it with the key that restic made; then one takes its place that costs neither of the two half a second. */
  async resticInits(): Promise<void> {
    await this.#restic(["init", "--repository-version", String(this.#options.version)]);
    const keys = join(this.#repository, "keys");
    const made = readdirSync(keys);
    const { repo } = await this.#open();
    await addKey(repo, { password: testPassword, kdf: cheapKdf });
    for (const key of made) rmSync(join(keys, key));
  }

  changeTree(seed: string): void {
    assert.ok(changeTree(this.#options.tree, seed) > 0);
  }

  async weBackUp(): Promise<ArchiveResult> {
    const { repo, pool } = await this.#open();
    const result = await withLock(repo, { exclusive: false, timings: lockTimings }, (signal) =>
      archive(repo, { targets: [this.#options.tree], hostname: host, programVersion: "test", pool, signal }),
    );
    assert.deepEqual(result.warnings, []);
    return result;
  }

  /** @returns restic's summary. */
  async resticBacksUp(): Promise<Readonly<Record<string, unknown>>> {
    const { messages } = await this.#restic(["backup", "--json", "--host", host, this.#options.tree]);
    const summary = messages.at(-1) ?? {};
    assert.equal(summary.message_type, "summary");
    return summary;
  }

  async weCheck(): Promise<void> {
    const { repo } = await this.#open();
    const { findings } = await check(repo, { readData: { kind: "all" }, lockTimings });
    assert.deepEqual(
      findings.filter(({ severity }) => severity !== "hint"),
      [],
    );
  }

  async resticChecks(): Promise<void> {
    const { stdout } = await this.#restic(["check", "--read-data"]);
    assert.match(stdout, /no errors were found/);
  }

  /** The latest snapshot, compared with the tree as it is now. */
  async weRestore(): Promise<void> {
    const { repo, pool } = await this.#open();
    const target = this.#newTarget();
    const { id: snapshotId } = await resolveSnapshot(repo, "latest");
    const { tree: subfolder } = this.#options;
    const result = await restore(repo, { snapshotId, subfolder, target, restoreDevices: true, pool });
    assert.deepEqual(result.warnings, []);
    this.#compare(target);
  }

  async resticRestores(): Promise<void> {
    const target = this.#newTarget();
    await this.#restic(["restore", "latest", "--target", target]);
    this.#compare(join(target, this.#options.tree));
  }

  /** Keeps the last snapshot and not a byte that it does not need. */
  async weForgetAndPrune(): Promise<void> {
    const { remove, prune } = await forget((await this.#open()).repo, {
      policy: { ...emptyPolicy, last: 1 },
      groupBy: parseGroupBy("host,paths"),
      prune: { maxUnusedBytes: () => 0 },
      lockTimings,
    });
    assert.ok(remove.length > 0, "there are snapshots to forget");
    assert.ok((prune?.stats.blobs.unused ?? 0) > 0, "there is something to prune");
  }

  async resticForgetsAndPrunes(): Promise<void> {
    await this.#restic(["forget", "--keep-last", "1", "--prune", "--max-unused", "0"]);
  }

  async close(): Promise<void> {
    await this.#ours?.pool.close();
  }

  /** Opened once and kept, as an agent does; what restic has done meanwhile is seen. */
  async #open(): Promise<{ readonly repo: Repository; readonly pool: BlobWorkerPool }> {
    if (this.#ours === undefined) {
      const repo = await reopen(await openStorage(this.#repository));
      this.#ours = { repo, pool: createBlobWorkerPool(repo, 1) };
    }
    await this.#ours.repo.refreshIndex();
    return this.#ours;
  }

  #restic(args: readonly string[]): Promise<ResticResult> {
    const { restic: version } = this.#options;
    return resticMust(args, { version, repository: this.#repository, password: testPassword });
  }

  #newTarget(): string {
    return join(this.#options.folder, `restored-${this.#restored++}`);
  }

  #compare(target: string): void {
    assert.deepEqual(compareTrees(this.#options.tree, target, { root: false }), []);
    rmSync(target, { recursive: true });
  }
}
