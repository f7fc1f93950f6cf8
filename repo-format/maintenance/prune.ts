// Frees what no snapshot needs: plans with everything loaded, then acts in an order in which every stop leaves a sound
// repository: packs that no index knows go first; used blobs of the other doomed packs are stored anew and indexed; the
// index forgets the doomed packs; then these are deleted. The marks of a two-phase prune have become useless by then.

import type { SnapshotId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { deletePacks } from "./delete-packs.ts";
import { type ExclusiveLockOptions, refuseWithoutLock, underExclusiveLock } from "./exclusive-lock.ts";
import { makePlan } from "./make-plan.ts";
import { deleteMarks, listMarks, type PendingDeletion } from "./prune-marks.ts";
import type { PlanPruneOptions, PrunePlan, PruneStats } from "./prune-plan.ts";
import { repack } from "./repack.ts";
import { rewriteIndexFiles } from "./rewrite-index.ts";

/** How much a prune cleans up; sizes in bytes. */
export interface PruneOptions extends ExclusiveLockOptions, Partial<Omit<PlanPruneOptions, "version">> {
  /** Plan only. */
  readonly dryRun?: boolean | undefined;
  /** That open what is repacked, at most; default: the cores. */
  readonly threads?: number | undefined;
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined;
  /** A pack that could not be deleted; the next prune tries again. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** Snapshots walked, packs repacked, index files read, packs deleted. */
export interface PruneProgress {
  readonly step: "snapshots" | "repack" | "index" | "delete";
  readonly done: number;
  readonly total: number;
}

/** What a prune did, or with `isDryRun` would do. */
export interface PruneResult {
  readonly isDryRun: boolean;
  readonly stats: PruneStats;
  readonly plan: Pick<PrunePlan, "removeFirst" | "repack" | "remove" | "forget">;
  /** What a two-phase prune had marked; this prune deletes the marks, because it does their work. */
  readonly pending: readonly PendingDeletion[];
}

/**
 * Prunes a repository under an exclusive lock.
 * @throws RepositoryError "index-incomplete" when snapshots need blobs that no index file has, "pack-missing" or
 *   "pack-damaged" when a needed pack is absent or has another size (each before anything was deleted), "argument-invalid",
 *   "lock-held", and what reading and writing throws. Packs that cannot be deleted are only warned of.
 */
export async function prune(repo: Repository, options: PruneOptions = {}): Promise<PruneResult> {
  refuseWithoutLock(options);
  return await underExclusiveLock(repo, options, (locked) => pruneLocked(repo, locked));
}

/** The same for a caller that holds the exclusive lock. `ignoreSnapshots`: as if these were deleted, for dry runs. */
export async function pruneLocked(
  repo: Repository,
  options: PruneOptions & { readonly ignoreSnapshots?: ReadonlySet<SnapshotId> | undefined },
): Promise<PruneResult> {
  const { signal } = options;
  const { marks, ids } = await listMarks(repo, signal);
  const { plan } = await makePlan(repo, { ...options, onWalked: reporterOf("snapshots", options) });
  if (!options.dryRun) {
    await deleteMarks(repo, ids, signal);
    await executePlan(repo, plan, options);
  }
  return resultOf(plan, { isDryRun: options.dryRun ?? false, pending: marks.map((mark) => mark.pending) });
}

export function resultOf(plan: PrunePlan, rest: Pick<PruneResult, "isDryRun" | "pending">): PruneResult {
  const { stats, removeFirst, repack, remove, forget } = plan;
  return { ...rest, stats, plan: { removeFirst, repack, remove, forget } };
}

/** The callback of one step. */
export function reporterOf(
  step: PruneProgress["step"],
  { onProgress }: Pick<PruneOptions, "onProgress">,
): (done: number, total: number) => void {
  return (done, total) => onProgress?.({ step, done, total });
}

async function executePlan(repo: Repository, plan: PrunePlan, options: PruneOptions): Promise<void> {
  const { signal } = options;
  const deletion = { signal, onWarning: options.onWarning, onDeleted: reporterOf("delete", options) };
  await deletePacks(repo, plan.removeFirst, deletion);
  if (plan.repack.length > 0) {
    const { repackUncompressed, threads } = options;
    await repack(repo, plan, { signal, repackUncompressed, threads, onProgress: reporterOf("repack", options) });
  }
  const doomed = [...plan.remove, ...plan.repack];
  const forgotten = new Set([...doomed, ...plan.forget]);
  if (forgotten.size > 0) {
    await rewriteIndexFiles(repo, forgotten, { signal, onProgress: reporterOf("index", options) });
  }
  await deletePacks(repo, doomed, deletion);
  await repo.refreshIndex(signal);
}
