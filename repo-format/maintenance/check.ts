// Is the repository sound? Index, packs and everything that the snapshots lead to; on request also the stored data itself.
// Whatever is wrong becomes a finding: a check ends early only when the index cannot be read or the store does not answer.

import { isId, type SnapshotId } from "../format/id.ts";
import { type FoundSnapshot, findSnapshots, isEmptyFilter, type SnapshotFilter } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type Finding, type FindingCounts, FindingLog } from "./check-findings.ts";
import { checkIndex } from "./check-index.ts";
import { checkPacks } from "./check-packs.ts";
import { TreeChecker } from "./check-trees.ts";
import { choosePacks, type DataSubset, type SizedPack } from "./data-subset.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";
import { copiesOf } from "./index-copies.ts";
import { collectPackStatistics, packTypes } from "./pack-statistics.ts";
import { DataReading } from "./read-data.ts";

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
  // The snapshots come first: then the index, read later, knows every blob of theirs even while others write.
  const snapshots = await findReadable(repo, options, log);
  const onProgress = (done: number, total: number): void => options.onProgress?.({ step: "index", done, total });
  if (await checkIndex(repo, log, { signal, onProgress })) {
    await checkPacks(repo, log, signal);
    await checkSnapshotsAndData(repo, snapshots, log, options);
  }
  return resultOf(log);
}

/** Which packs are read is known before the trees are, unless only those of some snapshots are wanted. */
async function checkSnapshotsAndData(
  repo: Repository,
  snapshots: readonly FoundSnapshot[],
  log: FindingLog,
  options: CheckOptions,
): Promise<void> {
  const isFiltered = Boolean(options.ids?.length) || !isEmptyFilter(options);
  const trees = new TreeChecker(repo, log);
  const early = isFiltered ? undefined : startReading(repo, undefined, options);
  try {
    for (const [done, { snapshot }] of snapshots.entries()) {
      options.onProgress?.({ step: "snapshots", done, total: snapshots.length });
      await trees.check(snapshot.tree, options.signal);
    }
    options.onProgress?.({ step: "snapshots", done: snapshots.length, total: snapshots.length });
    if (options.findUnused) reportUnused(repo, trees, log);
  } catch (error) {
    await early?.stop();
    throw error;
  }
  const reading = isFiltered ? startReading(repo, trees, options) : early;
  await reading?.finish({
    onPack: (done, total) => options.onProgress?.({ step: "data", done, total }),
    onProblem: (packId, { code, message, blobId }) => log.add(code, message, { packId, blobId }),
  });
}

/** @param trees only the packs that they lead to. @returns undefined when no data is to be read. */
function startReading(
  repo: Repository,
  trees: TreeChecker | undefined,
  options: CheckOptions,
): DataReading | undefined {
  if (options.readData === undefined) return undefined;
  const packs = choosePacks(sizedPacks(repo, trees), options.readData, options.random ?? Math.random);
  return new DataReading(repo, packs, options);
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
