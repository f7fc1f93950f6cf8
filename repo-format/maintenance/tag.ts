// Changes the tags of snapshots. Snapshot files are immutable: a changed copy is stored, then the old file is deleted.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import { findSnapshots, type SnapshotFilter } from "../repository/find-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, refuseWithoutLock, underExclusiveLock } from "./exclusive-lock.ts";

export interface TagOptions extends SnapshotFilter, ExclusiveLockOptions {
  /** Ids, unique prefixes or "latest"; otherwise the filter chooses. */
  readonly ids?: readonly string[] | undefined;
  /** The tags from now on; the empty list, or [""], removes all. Not together with add and remove. */
  readonly set?: readonly string[] | undefined;
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  readonly onChanged?: ((change: TagChange) => void) | undefined;
}

/** A snapshot and the changed copy that took its place. */
export interface TagChange {
  readonly oldId: SnapshotId;
  readonly newId: SnapshotId;
}

/**
 * Changes the tags of the chosen snapshots, under an exclusive lock.
 * @returns the snapshots that changed; those that could not be changed are reported to `onIgnored`.
 * @throws RepositoryError "argument-invalid" when there is nothing to do or set is mixed with add or remove; "lock-held".
 */
export async function tagSnapshots(repo: Repository, options: TagOptions): Promise<TagChange[]> {
  const isChange = Boolean(options.add?.length || options.remove?.length);
  if (options.set === undefined && !isChange) throw new RepositoryError("argument-invalid", "no tags were given");
  if (options.set !== undefined && isChange) {
    throw new RepositoryError("argument-invalid", "tags are either set, or added and removed");
  }
  refuseWithoutLock(options);
  return await underExclusiveLock(repo, options, (locked) => tagLocked(repo, locked));
}

async function tagLocked(repo: Repository, options: TagOptions): Promise<TagChange[]> {
  const changes: TagChange[] = [];
  const onIgnored = options.onIgnored ?? ((): void => {});
  for (const { id: oldId, snapshot } of await findSnapshots(repo, { ...options, onIgnored })) {
    const tags = newTags(snapshot.tags, options);
    if (tags === undefined) continue;
    try {
      const newId = await replaceSnapshot(repo, oldId, { ...snapshot, tags }, options.signal);
      changes.push({ oldId, newId });
      options.onChanged?.({ oldId, newId });
    } catch (error) {
      throwIfCancelled(options.signal);
      onIgnored(oldId, error);
    }
  }
  return changes;
}

/** The first of a chain of changed copies stays known as `original`. */
async function replaceSnapshot(
  repo: Repository,
  oldId: SnapshotId,
  changed: Snapshot,
  signal: AbortSignal | undefined,
): Promise<SnapshotId> {
  const newId = await repo.saveSnapshot({ ...changed, original: changed.original ?? oldId }, signal);
  await repo.remove("snapshot", oldId, signal);
  return newId;
}

/** The tags after the change; undefined when nothing changes. `set` counts as a change always, as in restic. */
export function newTags(
  tags: readonly string[],
  change: Pick<TagOptions, "set" | "add" | "remove">,
): string[] | undefined {
  if (change.set !== undefined) return change.set.filter((tag) => tag !== "");
  const result = [...tags];
  for (const tag of change.add ?? []) if (!result.includes(tag)) result.push(tag);
  const removed = new Set(change.remove);
  const kept = result.filter((tag) => !removed.has(tag));
  return kept.length === tags.length && kept.every((tag, index) => tag === tags[index]) ? undefined : kept;
}
