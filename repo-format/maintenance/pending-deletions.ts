// The second phase of a two-phase prune: deletes the packs that a mark names, after a waiting time, with the exclusive lock
// held for the moments that it takes to exchange index files and delete. Why nothing is lost:
//
// - The mark was made after a full plan: each of its packs was not needed by any snapshot there was (the mark names them),
//   or what was needed of it had a copy elsewhere. The index files of then (the mark names them) say where. Whoever deletes
//   an indexed pack first replaces the index files that tell of it; so as long as those are all there, so are the copies.
//   When one is gone, somebody else has pruned or repaired: the mark is dropped and the plan made anew.
// - Whoever wrote since, or was writing then, may rely on a blob of a marked pack, whose old place stayed in the index. The
//   age of locks tells nothing about it, since they are replaced when they are refreshed; but the exclusive lock stands
//   alone: under it no such writer is at work any more, and what it has finished is a snapshot that the mark does not name.
//   Only those need a walk. Packs that hold the last copy of a blob which they need are spared.
// - Two marks may each count on packs of the other: the first that is carried out replaces index files that the other one
//   names. All others are deleted with it.
//
// The walk and what else takes long is done before, beside the writers; under the lock only what has changed since.

import type { PackedBlob } from "../format/blob.ts";
import type { IndexId, PackId, SnapshotId, TreeId } from "../format/id.ts";
import { BlobSet } from "../index/blob-set.ts";
import { storeTimeMs } from "../repository/lock-files.ts";
import type { Repository } from "../repository/repository.ts";
import { usedBlobs } from "../repository/walk-trees.ts";
import { deletePacks } from "./delete-packs.ts";
import { listPacks } from "./list-packs.ts";
import { refuseMissing } from "./make-plan.ts";
import { deleteMarks, listMarks, type PendingDeletion, type StoredMark } from "./prune-marks.ts";
import type { PackListing } from "./prune-plan.ts";
import { listIndexFiles, rewriteIndexFiles, unaffectedIndexFiles } from "./rewrite-index.ts";

/** How long packs stay marked at least, in ms: 23 hours, as in rustic, so that a daily run finds them due. */
export const defaultPruneWaitMs: number = 23 * 3_600_000;

/** What became of a mark: "outdated" when somebody else had changed the index, "gone" when somebody else deleted it. */
export interface DeletionResult {
  readonly mark: PendingDeletion;
  readonly outcome: "deleted" | "outdated" | "gone";
  readonly deletedPacks: number;
  /** Their content is needed again. */
  readonly sparedPacks: number;
}

export interface DeletePendingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly onIndex?: ((done: number, total: number) => void) | undefined;
  readonly onDeleted?: ((done: number, total: number) => void) | undefined;
}

export function isDue(repo: Repository, { pending }: StoredMark, waitMs: number): boolean {
  return storeTimeMs(repo) - pending.markedMs >= waitMs;
}

/** What was learnt of the repository beside the writers. */
export interface DeletionSurvey {
  /** Blobs that the snapshots need which the mark does not name. */
  readonly used: BlobSet;
  /** Those that have been walked, or need not be. */
  readonly known: Set<SnapshotId>;
  readonly listing: PackListing;
  /** Index files that can stay as they are. */
  readonly unaffected: ReadonlySet<IndexId>;
  /** Those that were read. When one is gone, numbers of blobs and packs have changed, and with them what is used. */
  readonly indexFiles: ReadonlySet<IndexId>;
}

/** Looks at everything that deleting the marked packs depends on. Takes a lock of any kind. */
export async function surveyDeletion(
  repo: Repository,
  { mark }: StoredMark,
  signal: AbortSignal | undefined,
): Promise<DeletionSurvey> {
  const known = new Set(mark.snapshots);
  const roots = await takeNewSnapshots(repo, known, signal);
  await repo.refreshIndex(signal);
  const indexFiles = repo.index.fileIds;
  const used = new BlobSet(repo.index);
  refuseMissing(await usedBlobs(repo, roots, { signal, into: used }));
  const listing = await listPacks(repo, signal);
  const unaffected = await unaffectedIndexFiles(repo, new Set(mark.packs), signal);
  return { used, known, listing, unaffected, indexFiles };
}

/** Deletes what the mark names. The caller holds the exclusive lock. */
export async function deletePending(
  repo: Repository,
  stored: StoredMark,
  survey: DeletionSurvey,
  options: DeletePendingOptions,
): Promise<DeletionResult> {
  const { signal } = options;
  const nothing = { mark: stored.pending, deletedPacks: 0, sparedPacks: 0 };
  const { marks, ids } = await listMarks(repo, signal);
  if (!marks.some(({ id }) => id === stored.id)) return { ...nothing, outcome: "gone" };
  const indexFiles = await listIndexFiles(repo, signal);
  const isThere = new Set(indexFiles);
  if (!stored.mark.indexFiles.every((id) => isThere.has(id))) {
    await deleteMarks(repo, ids, signal);
    return { ...nothing, outcome: "outdated" };
  }
  const current = await bringUpToDate(repo, stored, survey, signal);
  const going = chooseGoing(repo, stored.mark.packs, current);
  const others = ids.filter((id) => id !== stored.id);
  await deleteMarks(repo, others, signal);
  const indexed = new Set([...going].filter((id) => repo.index.hasPack(id)));
  if (indexed.size > 0) {
    const files = indexFiles.filter((id) => !current.unaffected.has(id));
    await rewriteIndexFiles(repo, indexed, { signal, files, onProgress: options.onIndex });
  }
  await deletePacks(repo, [...going], { signal, onWarning: options.onWarning, onDeleted: options.onDeleted });
  await deleteMarks(repo, [stored.id], signal);
  await repo.refreshIndex(signal);
  const sparedPacks = stored.mark.packs.length - going.size;
  return { mark: stored.pending, outcome: "deleted", deletedPacks: going.size, sparedPacks };
}

/** What came between the survey and the lock; when somebody took index files away, everything is looked at again. */
async function bringUpToDate(
  repo: Repository,
  stored: StoredMark,
  survey: DeletionSurvey,
  signal: AbortSignal | undefined,
): Promise<DeletionSurvey> {
  await repo.refreshIndex(signal);
  const current = repo.index.fileIds;
  if (![...survey.indexFiles].every((id) => current.has(id))) return await surveyDeletion(repo, stored, signal);
  const roots = await takeNewSnapshots(repo, survey.known, signal);
  refuseMissing(await usedBlobs(repo, roots, { signal, into: survey.used }));
  return survey;
}

/** The trees of the snapshots that are not known yet; they are known from now on. */
async function takeNewSnapshots(
  repo: Repository,
  known: Set<SnapshotId>,
  signal: AbortSignal | undefined,
): Promise<TreeId[]> {
  const roots: TreeId[] = [];
  for await (const { id, snapshot } of repo.snapshots(signal)) {
    if (!known.has(id)) roots.push(snapshot.tree);
    known.add(id);
  }
  return roots;
}

/** The marked packs without those that are spared. One pass will do: a pack that is spared only takes need off others. */
function chooseGoing(repo: Repository, packs: readonly PackId[], { used, listing }: DeletionSurvey): Set<PackId> {
  const { index } = repo;
  const going = new Set(packs);
  const isStored = (id: PackId): boolean => (listing.sizes[index.packNumberOf(id)] ?? -1) >= 0;
  const isNeeded = (blob: PackedBlob): boolean => {
    const elsewhere = index.lookup(blob).filter(({ packId }) => !going.has(packId));
    if (elsewhere.length === 0) return used.has(blob.type, blob.id);
    // The other copy is lost: this one may be what saves a snapshot.
    return !elsewhere.some(({ packId }) => isStored(packId));
  };
  for (const { id, blobs } of index.packs((id) => going.has(id))) if (blobs.some(isNeeded)) going.delete(id);
  return going;
}
