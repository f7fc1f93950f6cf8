// A prune beside which writers go on, for repositories that are ours alone (repository/origin.ts); everywhere else it is
// the exclusive prune. The first phase, under a shared lock, plans, stores anew what is needed of partly used packs, and
// marks the packs that can go; old index files stay, so that every old place of a blob remains valid. A later run deletes
// them (pending-deletions.ts). Each run deletes what is due and then plans again; while a mark waits nothing is planned.

import type { PackId } from "../format/id.ts";
import { encodePruneMark } from "../format/prune-mark.ts";
import { formatTime } from "../format/time.ts";
import { storeTimeMs } from "../repository/lock-files.ts";
import { findForeignTrace } from "../repository/origin.ts";
import type { Repository } from "../repository/repository.ts";
import { refuseWithoutLock, underExclusiveLock, underSharedLock } from "./exclusive-lock.ts";
import { makePlan } from "./make-plan.ts";
import {
  type DeletionResult,
  type DeletionSurvey,
  defaultPruneWaitMs,
  deletePending,
  isDue,
  surveyDeletion,
} from "./pending-deletions.ts";
import { type PruneOptions, type PruneResult, prune, reporterOf, resultOf } from "./prune.ts";
import { listMarks, type PendingDeletion, type StoredMark } from "./prune-marks.ts";
import type { PrunePlan } from "./prune-plan.ts";
import { repack } from "./repack.ts";

/** As for `prune`; the exclusive lock is wanted for the deletion only. */
export interface TwoPhasePruneOptions extends PruneOptions {
  /** How long marked packs stay at least, in ms. Default 23 h. */
  readonly waitMs?: number | undefined;
}

/** What one run did, or with `isDryRun` would do. */
export interface TwoPhasePruneResult {
  readonly isDryRun: boolean;
  /** Why the exclusive prune ran instead, e.g. "the snapshot 1a2b3c4d was made by restic 0.19.1". */
  readonly foreignTrace: string | undefined;
  /** What the new plan stored anew and marked (or the exclusive prune deleted); undefined while a mark waits. */
  readonly prune: PruneResult | undefined;
  /** What an earlier run had marked and this one has deleted. */
  readonly deletion: DeletionResult | undefined;
  /** What waits to be deleted now, oldest first. */
  readonly pending: readonly PendingDeletion[];
}

/**
 * Prunes in two phases, this run and a later one, where the repository is ours alone, and exclusively elsewhere.
 * @throws as `prune`; "lock-held" when marked packs are due and others hold locks for longer than `retryLockMs`
 */
export async function twoPhasePrune(
  repo: Repository,
  options: TwoPhasePruneOptions = {},
): Promise<TwoPhasePruneResult> {
  refuseWithoutLock(options);
  const look = await underSharedLock(repo, options, (locked) => firstLook(repo, locked));
  if (look.foreignTrace !== undefined) return await pruneExclusively(repo, look.foreignTrace, options);
  if (look.due === undefined) return resultOfRun(options, look);
  const { mark, survey } = look.due;
  const report = { onIndex: reporterOf("index", options), onDeleted: reporterOf("delete", options) };
  const deletion = await underExclusiveLock(repo, options, (locked) =>
    deletePending(repo, mark, survey, { signal: locked.signal, onWarning: locked.onWarning, ...report }),
  );
  const next = await underSharedLock(repo, options, (locked) => markUnneeded(repo, locked));
  return { ...resultOfRun(options, next), deletion };
}

/** What a run found or did under its shared lock. */
interface Look {
  readonly foreignTrace?: string | undefined;
  readonly due?: { readonly mark: StoredMark; readonly survey: DeletionSurvey };
  readonly prune?: PruneResult;
  readonly pending: readonly PendingDeletion[];
}

async function firstLook(repo: Repository, options: TwoPhasePruneOptions): Promise<Look> {
  const { signal } = options;
  const foreignTrace = await findForeignTrace(repo, signal);
  if (foreignTrace !== undefined) return { foreignTrace, pending: [] };
  const { marks } = await listMarks(repo, signal);
  const pending = marks.map((mark) => mark.pending);
  if (options.dryRun) return await showPlan(repo, pending, options);
  const [mark] = marks;
  if (mark === undefined) return await markUnneeded(repo, options);
  if (!isDue(repo, mark, options.waitMs ?? defaultPruneWaitMs)) return { pending };
  return { due: { mark, survey: await surveyDeletion(repo, mark, signal) }, pending };
}

async function showPlan(
  repo: Repository,
  pending: readonly PendingDeletion[],
  options: TwoPhasePruneOptions,
): Promise<Look> {
  const { plan } = await makePlan(repo, { ...options, onWalked: reporterOf("snapshots", options) });
  return { prune: resultOf(plan, { isDryRun: true, pending }), pending };
}

/** The first phase. Packs that no index knows may be those of a writer: they wait with the others. */
async function markUnneeded(repo: Repository, options: TwoPhasePruneOptions): Promise<Look> {
  const { signal } = options;
  const { plan, snapshots, doomedBytes } = await makePlan(repo, {
    ...options,
    onWalked: reporterOf("snapshots", options),
  });
  if (plan.repack.length > 0) {
    const { repackUncompressed, threads } = options;
    await repack(repo, plan, { signal, repackUncompressed, threads, onProgress: reporterOf("repack", options) });
  }
  const packs = doomedPacks(plan);
  const pending: PendingDeletion[] = [];
  if (packs.length > 0) {
    const markedMs = storeTimeMs(repo);
    const time = formatTime(BigInt(markedMs) * 1_000_000n);
    const mark = { time, packs, packBytes: doomedBytes, snapshots, indexFiles: [...repo.index.fileIds] };
    const id = await repo.saveUnpacked("mark", encodePruneMark(mark), signal);
    pending.push({ id, packs: packs.length, packBytes: doomedBytes, markedMs });
  }
  return { prune: resultOf(plan, { isDryRun: false, pending }), pending };
}

function doomedPacks({ removeFirst, remove, repack, forget }: PrunePlan): PackId[] {
  return [...removeFirst, ...remove, ...repack, ...forget];
}

async function pruneExclusively(
  repo: Repository,
  foreignTrace: string,
  options: TwoPhasePruneOptions,
): Promise<TwoPhasePruneResult> {
  const result = await prune(repo, options);
  const pending = result.isDryRun ? result.pending : [];
  return { ...resultOfRun(options, { prune: result, pending }), foreignTrace };
}

function resultOfRun({ dryRun }: TwoPhasePruneOptions, { prune, pending }: Look): TwoPhasePruneResult {
  return { isDryRun: dryRun ?? false, foreignTrace: undefined, prune, deletion: undefined, pending };
}
