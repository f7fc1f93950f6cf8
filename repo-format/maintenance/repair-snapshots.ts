// Makes whole snapshots of damaged ones: what is lost is left out, so that the rest can be restored, copied and checked.
// Trees and their index are stored before the new snapshot, and that before the old one goes.

import type { SnapshotId, TreeId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { withBlobUploader } from "../repository/blob-uploader.ts";
import { type FoundSnapshot, findSnapshots, type SnapshotFilter } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, refuseWithoutLock, underExclusiveLock } from "./exclusive-lock.ts";
import { type TreeDamage, TreeRepair } from "./repair-trees.ts";

/** Which snapshots are repaired, and what becomes of the damaged ones. */
export interface RepairSnapshotsOptions extends SnapshotFilter, ExclusiveLockOptions {
  /** Ids, unique prefixes or "latest"; otherwise the filter chooses. */
  readonly ids?: readonly string[] | undefined;
  /** Remove the damaged snapshots; otherwise they stay, and the repaired ones get the tag "repaired". */
  readonly forget?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  /** Something in this snapshot is damaged; what several snapshots share is told of the first. */
  readonly onDamage?: ((id: SnapshotId, damage: TreeDamage) => void) | undefined;
  readonly onRepaired?: ((repair: SnapshotRepair) => void) | undefined;
}

/** A damaged snapshot, and what became of it. */
export interface SnapshotRepair {
  readonly oldId: SnapshotId;
  /** Undefined for a dry run, and when nothing could be saved. */
  readonly newId: SnapshotId | undefined;
  /** True when its root cannot be read: such a snapshot is removed, with and without `forget`. */
  readonly isEmpty: boolean;
}

const repairedTag = "repaired";

/**
 * Repairs the chosen snapshots, under an exclusive lock. The index decides what is lost: repair it first.
 * @returns the snapshots that were damaged.
 * @throws RepositoryError "argument-invalid", "lock-held", and what reading the index and writing throws.
 */
export async function repairSnapshots(repo: Repository, options: RepairSnapshotsOptions): Promise<SnapshotRepair[]> {
  refuseWithoutLock(options);
  return await underExclusiveLock(repo, options, (locked) => repairLocked(repo, locked));
}

async function repairLocked(repo: Repository, options: RepairSnapshotsOptions): Promise<SnapshotRepair[]> {
  const { signal } = options;
  const found = await findSnapshots(repo, { ...options, onIgnored: options.onIgnored ?? (() => {}) });
  await repo.refreshIndex(signal);
  const trees = new TreeRepair(repo);
  const repairs: SnapshotRepair[] = [];
  for (const one of found) {
    const tree = await repairTree(repo, trees, one, options);
    if (tree === one.snapshot.tree) continue;
    const newId = options.dryRun ? undefined : await replaceSnapshot(repo, one, tree, options);
    const repair = { oldId: one.id, newId, isEmpty: tree === undefined };
    repairs.push(repair);
    options.onRepaired?.(repair);
  }
  return repairs;
}

async function repairTree(
  repo: Repository,
  trees: TreeRepair,
  { id, snapshot }: FoundSnapshot,
  { dryRun, signal, onDamage }: RepairSnapshotsOptions,
): Promise<TreeId | undefined> {
  const report = (damage: TreeDamage): void => onDamage?.(id, damage);
  if (dryRun) return await trees.repairRoot(snapshot.tree, { uploader: undefined, onDamage: report, signal });
  return await withBlobUploader(repo, { signal }, (uploader) =>
    trees.repairRoot(snapshot.tree, { uploader, onDamage: report, signal }),
  );
}

/** `original` is the damaged snapshot itself, as in restic: its id is where the lost parts were last seen. */
async function replaceSnapshot(
  repo: Repository,
  { id, snapshot }: FoundSnapshot,
  tree: TreeId | undefined,
  { forget, signal }: RepairSnapshotsOptions,
): Promise<SnapshotId | undefined> {
  if (tree === undefined) {
    await repo.remove("snapshot", id, signal);
    return undefined;
  }
  const tags = forget || snapshot.tags.includes(repairedTag) ? snapshot.tags : [...snapshot.tags, repairedTag];
  const repaired: Snapshot = { ...snapshot, tree, tags, original: id };
  const newId = await repo.saveSnapshot(repaired, signal);
  if (forget) await repo.remove("snapshot", id, signal);
  return newId;
}
