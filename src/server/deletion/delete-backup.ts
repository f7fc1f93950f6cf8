// Deletes all that a Backup has left behind, in an order in which a crash loses the trace of nothing: the snapshots, while
// the lists that name them are there; the files in the bucket; the Restores; last the objects in the cluster. Every step can
// be done again.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { backups, podVolumeBackups, restores as restoreResource } from "../../api/resources.ts";
import type { Restore } from "../../api/restore.ts";
import type { LocationStore } from "../location-store/location-store.ts";
import type { DeletionContext } from "./deletion-context.ts";
import { hasStoredNothing } from "./refuse-deletion.ts";
import { type OwnedSnapshots, ownedSnapshots, storedVolumeBackups, volumeBackupsOf } from "./snapshots-of-backup.ts";

export interface DoomedBackup {
  readonly backup: Backup;
  /** Undefined for a Backup that was never stored. */
  readonly location: BackupStorageLocation | undefined;
  readonly restores: readonly Restore[];
}

/**
 * @returns what could not be removed and why; the Backup is still there then
 * @throws RepositoryError "lock-held" while others use a repository; what the store and the API server throw
 */
export async function deleteBackup(
  doomed: DoomedBackup,
  context: DeletionContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { location } = doomed;
  if (location === undefined) {
    await deleteObjects(doomed, context, signal);
    return [];
  }
  const store = await context.openLocationStore(location, signal);
  try {
    const problems = await deleteStored({ ...doomed, location, store }, context, signal);
    if (problems.length === 0) await deleteObjects(doomed, context, signal);
    return problems;
  } finally {
    await store.close();
  }
}

interface StoredBackup extends DoomedBackup {
  readonly location: BackupStorageLocation;
  readonly store: LocationStore;
}

async function deleteStored(
  { backup, location, store, restores }: StoredBackup,
  context: DeletionContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { name } = backup.metadata;
  const isOurs = await isStoredAs(backup, store, signal);
  if (!isOurs) context.log.warn("another backup of the same name is stored there and stays", { backup: name });
  const remembered = isOurs ? await storedVolumeBackups(backup, store, signal) : [];
  const volumeBackups = [...remembered, ...(await volumeBackupsOf(backup, context, signal))];
  const { byNamespace, problems } = ownedSnapshots(volumeBackups);
  if (problems.length > 0) return problems;
  const failures = await forgetSnapshots(location, byNamespace, context, signal);
  if (failures.length > 0) return failures;
  if (isOurs) await store.deleteBackup(name, signal);
  for (const { metadata } of restores) await store.deleteRestore(metadata.name, signal);
  return [];
}

async function forgetSnapshots(
  location: BackupStorageLocation,
  byNamespace: OwnedSnapshots["byNamespace"],
  { care, log }: DeletionContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [volumeNamespace, snapshots] of byNamespace) {
    const found = await care.forget(location, volumeNamespace, snapshots, signal);
    problems.push(...found.map((problem) => `repository of namespace ${volumeNamespace}: ${problem}`));
    log.info("forgot snapshots", { volumeNamespace, location: location.metadata.name, snapshots: snapshots.length });
  }
  return problems;
}

/**
 * A Backup that failed because its name was taken in the bucket must not take the other one with it. A Backup that came
 * from the bucket has another uid in this cluster, but its times are those of the stored one.
 */
async function isStoredAs(backup: Backup, store: LocationStore, signal: AbortSignal): Promise<boolean> {
  if (hasStoredNothing(backup)) return false;
  const { name, uid } = backup.metadata;
  if (!(await store.hasBackup(name, signal))) return true;
  const stored = await store.readBackup(name, signal);
  const isSameRun = (stored.status?.startTimestamp ?? "") === (backup.status?.startTimestamp ?? "");
  return isSameRun || stored.metadata.uid === uid;
}

async function deleteObjects(
  { backup, restores }: DoomedBackup,
  context: DeletionContext,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace } = context;
  for (const { metadata } of restores) {
    await client.delete(restoreResource, { namespace, name: metadata.name }, { signal });
  }
  for (const { metadata } of await volumeBackupsOf(backup, context, signal)) {
    await client.delete(podVolumeBackups, { namespace, name: metadata.name }, { signal });
  }
  const { name, uid } = backup.metadata;
  await client.delete(backups, { namespace, name }, { signal, ...(uid === undefined ? {} : { uid }) });
}
