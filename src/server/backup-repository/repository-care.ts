// What the server does to repositories, as the BackupRepository controller sees it; src/server/maintenance implements it
// over the engine.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";

export interface RepositoryCare {
  /** The restic location of a namespace's repository. */
  identifierOf(location: BackupStorageLocation, volumeNamespace: string): string;
  /** Opens the repository; makes it when there is none, unless the location is read-only. */
  connect(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<void>;
  /** Removes locks whose owners are gone; returns how many. */
  removeStaleLocks(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<number>;
  /** Removes what no snapshot needs, or marks it for the next time. */
  prune(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<PruneFacts>;
}

/** What a prune did, for the log. */
export interface PruneFacts {
  /** Why writers had to wait for all of it; undefined when they did not. */
  readonly exclusiveBecause?: string;
  /** For deletion by a later prune. */
  readonly markedPacks: number;
  readonly deletedPacks: number;
}
