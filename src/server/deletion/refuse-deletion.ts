// Why a Backup is not deleted although somebody asks for it.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations, labels } from "../../api/names.ts";
import { isBackupEnded } from "../../api/phases.ts";
import type { DeleteBackupRequest } from "../../api/requests.ts";
import type { Restore } from "../../api/restore.ts";

/** Nothing has ended it, and nobody deletes it. */
export function isUnfinished(backup: Backup): boolean {
  return !isBackupEnded(backup) && backup.status?.phase !== "Deleting";
}

/** One that was refused was never begun, and has left nothing anywhere. One that came from a bucket is in that bucket. */
export function hasStoredNothing(backup: Backup): boolean {
  if (backup.metadata.annotations?.[annotations.syncedFrom] !== undefined) return false;
  return !isUnfinished(backup) && (backup.status?.startTimestamp ?? "") === "";
}

export interface DeletionSubject {
  readonly request: DeleteBackupRequest;
  readonly backup: Backup;
  readonly location: BackupStorageLocation | undefined;
  /** Of this Backup. */
  readonly restores: readonly Restore[];
}

/** A sentence; undefined when it may be deleted. "wait": the location is being validated. */
export function refusalOf({ request, backup, location, restores }: DeletionSubject): string | "wait" | undefined {
  const { name, uid } = backup.metadata;
  const wantedUid = request.metadata.labels?.[labels.backupUid] ?? "";
  if (wantedUid !== "" && wantedUid !== uid)
    return `the request was for an earlier Backup that was called ${name}, too`;
  if (isUnfinished(backup)) return `Backup ${name} is still in progress; it can be deleted once it has ended`;
  const running = restores.find((restore) => !isBackupEnded(restore));
  if (running !== undefined)
    return `Restore ${running.metadata.name} still reads the Backup; wait for it, or delete it`;
  return hasStoredNothing(backup) ? undefined : locationRefusal(backup, location);
}

function locationRefusal({ spec }: Backup, location: BackupStorageLocation | undefined): string | "wait" | undefined {
  if (location === undefined)
    return `BackupStorageLocation ${JSON.stringify(spec?.storageLocation ?? "")} does not exist`;
  const { name } = location.metadata;
  if (location.spec.accessMode === "ReadOnly") return `BackupStorageLocation ${name} is read-only`;
  const { phase = "", message = "" } = location.status ?? {};
  if (phase === "Available") return undefined;
  if (phase === "") return "wait";
  return `BackupStorageLocation ${name} is unavailable: ${message === "" ? "no reason is given" : message}`;
}
