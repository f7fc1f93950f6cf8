// Removes the snapshots of a deleted Backup from a repository. Ids of eight digits are what a PodVolumeBackup knows, so the
// snapshot's own tags are asked whether it is the one that is meant.
import {
  emptyPolicy,
  findSnapshots,
  forget,
  type Repository,
  RepositoryError,
  type Snapshot,
  shortId,
} from "../../../repo-format/index.ts";
import { explainError } from "../../platform/coded-error.ts";
import type { SnapshotToForget } from "../backup-repository/repository-care.ts";

/** Whoever waits longer holds up other deletions; the whole request is tried again. */
const usualLockWaitMs = 10_000;
const notGrouped = { host: false, paths: false, tags: false };

/**
 * @returns what could not be removed and why
 * @throws RepositoryError "lock-held", and the errors of a store that does not answer
 */
export async function forgetSnapshots(
  repository: Repository,
  wanted: readonly SnapshotToForget[],
  signal: AbortSignal,
  { lockWaitMs = usualLockWaitMs }: { readonly lockWaitMs?: number } = {},
): Promise<string[]> {
  const problems: string[] = [];
  const ids: string[] = [];
  for (const one of wanted) {
    const found = await find(repository, one, signal);
    if (typeof found === "string") problems.push(found);
    else if (found !== undefined) ids.push(found.id);
  }
  if (ids.length === 0) return problems;
  const options = { ids, policy: emptyPolicy, groupBy: notGrouped, retryLockMs: lockWaitMs, signal };
  const { failed } = await forget(repository, options);
  return [...problems, ...failed.map(({ id, error }) => `snapshot ${shortId(id)}: ${explainError(error)}`)];
}

/** Undefined when it is gone; a sentence when it must not be removed. */
async function find(
  repository: Repository,
  { id: digits, backupUid }: SnapshotToForget,
  signal: AbortSignal,
): Promise<{ readonly id: string } | string | undefined> {
  try {
    const [found] = await findSnapshots(repository, { ids: [digits], signal });
    if (found === undefined || backupUid === undefined || isOf(found.snapshot, backupUid)) return found;
    return `snapshot ${digits} belongs to another backup (${found.snapshot.tags.join(", ")}) and was left alone`;
  } catch (error) {
    if (RepositoryError.is(error, "snapshot-missing")) return undefined;
    const isOfSnapshot =
      RepositoryError.is(error) && ["snapshot-ambiguous", "snapshot-malformed", "file-damaged"].includes(error.code);
    if (!isOfSnapshot) throw error;
    return `snapshot ${digits}: ${explainError(error)}`;
  }
}

/** One without such a tag was made by somebody who sets none. */
function isOf({ tags }: Snapshot, backupUid: string): boolean {
  const said = tags.find((tag) => tag.startsWith("backup-uid="));
  return said === undefined || said === `backup-uid=${backupUid}`;
}
