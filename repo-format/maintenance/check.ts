// Is the repository sound? Index, packs and everything that the snapshots lead to; on request also the stored data itself.
// Whatever is wrong becomes a finding: a check ends early only when the index cannot be read or the store does not answer.

import { isId, type SnapshotId } from "../format/id.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import { type FoundSnapshot, findSnapshots, isEmptyFilter, type SnapshotFilter } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { createBlobWorkerPool } from "../workers/blob-worker-pool.ts";
import { type Finding, type FindingCounts, FindingLog } from "./check-findings.ts";
import { checkIndex } from "./check-index.ts";
import { checkPackData } from "./check-pack-data.ts";
import { checkPacks } from "./check-packs.ts";
import { TreeChecker } from "./check-trees.ts";
import { choosePacks, type DataSubset, type SizedPack } from "./data-subset.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";
import { copiesOf } from "./index-copies.ts";
import { collectPackStatistics, packTypes } from "./pack-statistics.ts";

/** What a check looks at, and how it waits for its lock. */
export interface CheckOptions extends SnapshotFilter, ExclusiveLockOptions {
  /** Only these snapshots (ids, unique prefixes, "latest") and their data. */
  readonly ids?: readonly string[] | undefined;
  /** Also read packs and verify every blob in them. */
  readonly readData?: DataSubset | undefined;
  /** Report blobs that no snapshot leads to. */
  readonly findUnused?: boolean | undefined;
  readonly onFinding?: ((finding: Finding) => void) | undefined;
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
  /** That open blobs, at most; default: the cores. */
  readonly threads?: number | undefined;
  /** From 0 to below 1; chooses packs for a random subset. */
  readonly random?: (() => number) | undefined;
}

/** Threads take a fifth of a second to start, in which this much is read and opened without them. */
const threadedBytes: number = 64 * 1024 * 1024;

/** Index files, snapshots or packs done so far. */
export interface CheckProgress {
  readonly step: "index" | "snapshots" | "data";
  readonly done: number;
  readonly total: number;
}

/** What a check found. */
export interface CheckResult {
  /** No errors; warnings and hints do not count. */
  readonly isSound: boolean;
  /** The first 1000. */
  readonly findings: readonly Finding[];
  readonly counts: FindingCounts;
  /** Packs to name to `repair packs`. */
  readonly brokenPacks: readonly string[];
  readonly suggestRepairIndex: boolean;
  readonly suggestPrune: boolean;
}

/**
 * Checks a repository, under an exclusive lock as restic does.
 * @throws RepositoryError "lock-held", and the errors of a store that does not answer; damage is never thrown.
 */
export async function check(repo: Repository, options: CheckOptions = {}): Promise<CheckResult> {
  return await underExclusiveLock(repo, options, (locked) => checkLocked(repo, locked));
}

async function checkLocked(repo: Repository, options: CheckOptions): Promise<CheckResult> {
  const { signal } = options;
  const log = new FindingLog(options.onFinding);
  const report = (step: CheckProgress["step"], done: number, total: number): void =>
    options.onProgress?.({ step, done, total });
  // The snapshots come first: then the index, read later, knows every blob of theirs even while others write.
  const snapshots = await findReadable(repo, options, log);
  const onProgress = (done: number, total: number): void => report("index", done, total);
  if (await checkIndex(repo, log, { signal, onProgress })) {
    await checkPacks(repo, log, signal);
    const trees = new TreeChecker(repo, log);
    for (const [done, { snapshot }] of snapshots.entries()) {
      report("snapshots", done, snapshots.length);
      await trees.check(snapshot.tree, signal);
    }
    report("snapshots", snapshots.length, snapshots.length);
    if (options.findUnused) reportUnused(repo, trees, log);
    if (options.readData !== undefined) await readData(repo, trees, log, { ...options, readData: options.readData });
  }
  return resultOf(log);
}

function resultOf(log: FindingLog): CheckResult {
  return {
    isSound: log.counts.error === 0,
    findings: log.kept,
    counts: log.counts,
    brokenPacks: [...log.brokenPacks],
    suggestRepairIndex: log.suggestRepairIndex,
    suggestPrune: log.suggestPrune,
  };
}

async function findReadable(repo: Repository, options: CheckOptions, log: FindingLog): Promise<FoundSnapshot[]> {
  const onIgnored = (what: string, error: unknown): void => {
    const message = `snapshot ${what} cannot be used: ${(error as Error).message}`;
    log.add("snapshot-unreadable", message, isId<SnapshotId>(what) ? { snapshotId: what } : {});
  };
  return await findSnapshots(repo, { ...options, onIgnored });
}

function reportUnused(repo: Repository, trees: TreeChecker, log: FindingLog): void {
  const { table } = repo.index;
  for (let position = 0; position < table.count; position++) {
    const { id, type } = repo.index.blobAt(position);
    // Further copies of a blob share the number of the first.
    if (repo.index.positionOf(type, id) !== position || trees.referenced.hasPosition(position)) continue;
    log.add("blob-unused", `no snapshot needs the ${type} blob ${id}`, { blobId: id });
  }
}

async function readData(
  repo: Repository,
  trees: TreeChecker,
  log: FindingLog,
  options: CheckOptions & { readonly readData: DataSubset },
): Promise<void> {
  const isFiltered = Boolean(options.ids?.length) || !isEmptyFilter(options);
  const packs = sizedPacks(repo, isFiltered ? trees : undefined);
  const sized = choosePacks(packs, options.readData, options.random ?? Math.random);
  const chosen = new Set(sized.map(({ id }) => id));
  const { signal } = options;
  let done = 0;
  const isLong = sized.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) >= threadedBytes;
  const pool = isLong ? createBlobWorkerPool(repo, options.threads) : undefined;
  try {
    const checked = boundedParallel(
      repo.index.packs((id) => chosen.has(id)),
      // A thread that reads packs itself finds the next one waiting.
      { limit: Math.max(repo.storage.connections, 2 * (pool?.threads ?? 0)), signal },
      async (pack) => ({ packId: pack.id, problems: await checkPackData(repo, pack, { signal, pool }) }),
    );
    for await (const { packId, problems } of checked) {
      for (const { code, message, blobId } of problems) log.add(code, message, { packId, blobId });
      options.onProgress?.({ step: "data", done: ++done, total: chosen.size });
    }
  } finally {
    await pool?.close();
  }
}

/** All packs of the index, or those that the checked snapshots lead to. */
function sizedPacks(repo: Repository, trees: TreeChecker | undefined): SizedPack[] {
  const copies = copiesOf(repo.index);
  const { packs } = collectPackStatistics(copies, new Uint8Array(copies.blobNumberLimit));
  const isNeeded = new Uint8Array(copies.packNumberLimit).fill(trees === undefined ? 1 : 0);
  if (trees !== undefined) {
    copies.forEachCopy(({ blobNumber, packNumber }) => {
      if (trees.referenced.hasPosition(blobNumber)) isNeeded[packNumber] = 1;
    });
  }
  const result: SizedPack[] = [];
  for (let pack = 0; pack < copies.packNumberLimit; pack++) {
    if (packs.type[pack] === packTypes.none || isNeeded[pack] === 0) continue;
    result.push({ id: repo.index.packIdAt(pack), sizeBytes: packs.sizeBytes(pack) });
  }
  return result;
}
