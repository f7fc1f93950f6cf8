// Frees what no snapshot needs: plans with everything loaded, then acts in an order in which every stop leaves a sound
// repository: packs that no index knows go first; used blobs of the other doomed packs are stored anew and indexed; the
// index forgets the doomed packs; then these are deleted.

import { RepositoryError } from "../errors.ts";
import type { SnapshotId, TreeId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { usedBlobs } from "../repository/walk-trees.ts";
import { parseMaxUnused } from "./byte-size.ts";
import { deletePacks } from "./delete-packs.ts";
import { type ExclusiveLockOptions, refuseWithoutLock, underExclusiveLock } from "./exclusive-lock.ts";
import { copiesOf } from "./index-copies.ts";
import { listPacks } from "./list-packs.ts";
import { planPrune } from "./plan-prune.ts";
import type { PlanPruneOptions, PrunePlan, PruneStats } from "./prune-plan.ts";
import { repack } from "./repack.ts";
import { rewriteIndexFiles } from "./rewrite-index.ts";

/** How much a prune cleans up; sizes in bytes. */
export interface PruneOptions extends ExclusiveLockOptions, Partial<Omit<PlanPruneOptions, "version">> {
  /** Plan only. */
  readonly dryRun?: boolean | undefined;
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
  refuseOptions(repo, options);
  const { signal } = options;
  await repo.refreshIndex(signal);
  const isUsed = await findUsed(repo, options);
  const listing = await listPacks(repo, signal);
  const plan = planPrune(copiesOf(repo.index), isUsed, listing, {
    version: repo.version,
    maxUnusedBytes: options.maxUnusedBytes ?? parseMaxUnused("5%"),
    maxRepackBytes: options.maxRepackBytes ?? Number.POSITIVE_INFINITY,
    smallPackBytes: options.smallPackBytes ?? 0,
    repackCacheableOnly: options.repackCacheableOnly ?? false,
    repackUncompressed: options.repackUncompressed ?? false,
  });
  if (!options.dryRun) await executePlan(repo, plan, options);
  const { stats, removeFirst, repack, remove, forget } = plan;
  return { isDryRun: options.dryRun ?? false, stats, plan: { removeFirst, repack, remove, forget } };
}

function refuseOptions(repo: Repository, options: PruneOptions): void {
  const invalid = (reason: string): RepositoryError => new RepositoryError("argument-invalid", reason);
  if (options.repackUncompressed && repo.version < 2) throw invalid("version 1 of the format has no compression");
  if (options.repackUncompressed && repo.options.compression === "off") {
    throw invalid("uncompressed data cannot be repacked with compression turned off");
  }
  if ((options.smallPackBytes ?? 0) > repo.options.packSizeBytes) {
    throw invalid(
      `packs of ${options.smallPackBytes} bytes are not small: packs get ${repo.options.packSizeBytes} bytes`,
    );
  }
}

async function findUsed(
  repo: Repository,
  options: Parameters<typeof pruneLocked>[1],
): Promise<(blobNumber: number) => boolean> {
  const roots: TreeId[] = [];
  for await (const { id, snapshot } of repo.snapshots(options.signal)) {
    if (!options.ignoreSnapshots?.has(id)) roots.push(snapshot.tree);
  }
  options.onProgress?.({ step: "snapshots", done: 0, total: roots.length });
  const { blobs, missing, missingCount } = await usedBlobs(repo, roots, { signal: options.signal });
  options.onProgress?.({ step: "snapshots", done: roots.length, total: roots.length });
  const [first] = missing;
  if (first === undefined) return (blobNumber) => blobs.hasPosition(blobNumber);
  throw new RepositoryError(
    "index-incomplete",
    `${missingCount} blobs that snapshots need are in no index file, such as ${first.id} of ${first.path}; nothing was deleted`,
    { details: { blob: first.id, path: first.path, missingBlobs: missingCount } },
  );
}

async function executePlan(repo: Repository, plan: PrunePlan, options: PruneOptions): Promise<void> {
  const { signal } = options;
  const report = (step: PruneProgress["step"]) => (done: number, total: number) =>
    options.onProgress?.({ step, done, total });
  const deletion = { signal, onWarning: options.onWarning, onDeleted: report("delete") };
  await deletePacks(repo, plan.removeFirst, deletion);
  if (plan.repack.length > 0) {
    await repack(repo, new Set(plan.repack), plan.keepBlobs, { signal, onProgress: report("repack") });
  }
  const doomed = [...plan.remove, ...plan.repack];
  const forgotten = new Set([...doomed, ...plan.forget]);
  if (forgotten.size > 0) await rewriteIndexFiles(repo, forgotten, { signal, onProgress: report("index") });
  await deletePacks(repo, doomed, deletion);
  await repo.refreshIndex(signal);
}
