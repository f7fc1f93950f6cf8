// Plans a prune of a repository as it stands. Writers may be at work meanwhile: the snapshots are listed before the index
// is read, so that every blob of every listed snapshot is found.

import { RepositoryError } from "../errors.ts";
import type { SnapshotId, TreeId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { type UsedBlobs, usedBlobs } from "../repository/walk-trees.ts";
import { parseMaxUnused } from "./byte-size.ts";
import { copiesOf } from "./index-copies.ts";
import { listPacks } from "./list-packs.ts";
import { planPrune } from "./plan-prune.ts";
import type { PlanPruneOptions, PrunePlan } from "./prune-plan.ts";

export interface MakePlanOptions extends Partial<Omit<PlanPruneOptions, "version">> {
  readonly signal?: AbortSignal | undefined;
  /** As if these were deleted. */
  readonly ignoreSnapshots?: ReadonlySet<SnapshotId> | undefined;
  /** Of the snapshots' walk. */
  readonly onWalked?: ((done: number, total: number) => void) | undefined;
}

export interface RepositoryPlan {
  readonly plan: PrunePlan;
  /** Those that the plan keeps whole. */
  readonly snapshots: readonly SnapshotId[];
  /** Bytes of the packs that the plan deletes, in the store. */
  readonly doomedBytes: number;
}

/** @throws RepositoryError "index-incomplete", "pack-missing", "pack-damaged", "argument-invalid"; nothing was changed */
export async function makePlan(repo: Repository, options: MakePlanOptions): Promise<RepositoryPlan> {
  refuseOptions(repo, options);
  const { signal } = options;
  const roots = new Map<SnapshotId, TreeId>();
  for await (const { id, snapshot } of repo.snapshots(signal)) {
    if (!options.ignoreSnapshots?.has(id)) roots.set(id, snapshot.tree);
  }
  await repo.refreshIndex(signal);
  const isUsed = await findUsed(repo, [...roots.values()], options);
  const listing = await listPacks(repo, signal);
  const plan = planPrune(copiesOf(repo.index), isUsed, listing, {
    version: repo.version,
    maxUnusedBytes: options.maxUnusedBytes ?? parseMaxUnused("5%"),
    maxRepackBytes: options.maxRepackBytes ?? Number.POSITIVE_INFINITY,
    smallPackBytes: options.smallPackBytes ?? 0,
    repackCacheableOnly: options.repackCacheableOnly ?? false,
    repackUncompressed: options.repackUncompressed ?? false,
  });
  const { bytes } = plan.stats;
  return { plan, snapshots: [...roots.keys()], doomedBytes: bytes.remove + bytes.repack + bytes.unreferenced };
}

function refuseOptions(repo: Repository, options: MakePlanOptions): void {
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
  roots: readonly TreeId[],
  { signal, onWalked }: MakePlanOptions,
): Promise<(blobNumber: number) => boolean> {
  onWalked?.(0, roots.length);
  const used = await usedBlobs(repo, roots, { signal });
  onWalked?.(roots.length, roots.length);
  refuseMissing(used);
  return (blobNumber) => used.blobs.hasPosition(blobNumber);
}

/** @throws RepositoryError "index-incomplete" when a blob that a snapshot needs is in no index file */
export function refuseMissing({ missing, missingCount }: Pick<UsedBlobs, "missing" | "missingCount">): void {
  const [first] = missing;
  if (first === undefined) return;
  throw new RepositoryError(
    "index-incomplete",
    `${missingCount} blobs that snapshots need are in no index file, such as ${first.id} of ${first.path}; nothing was deleted`,
    { details: { blob: first.id, path: first.path, missingBlobs: missingCount } },
  );
}
