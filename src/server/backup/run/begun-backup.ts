// A Backup that this process has claimed and has to carry out.
import type { Backup } from "../../../api/backup.ts";
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { BackupContext } from "../backup-context.ts";

export interface BegunBackup {
  /** InProgress, as it was written a moment ago. */
  readonly backup: Backup;
  readonly location: BackupStorageLocation;
  /** Gives back the turn to read the cluster: when that is done, and again at the end, where it does nothing. */
  readonly releaseSlot: () => void;
}

/** Waits for a turn to read the cluster's objects, and keeps it for the Backup that `begin` gives. */
export async function inSlot(
  { slots }: Pick<BackupContext, "slots">,
  signal: AbortSignal,
  begin: () => Promise<Omit<BegunBackup, "releaseSlot">>,
): Promise<BegunBackup> {
  const releaseSlot = await slots.take(signal);
  try {
    return { ...(await begin()), releaseSlot };
  } catch (error) {
    releaseSlot();
    throw error;
  }
}
