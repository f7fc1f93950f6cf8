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
  /** The locks that stand now. */
  listLocks(
    location: BackupStorageLocation,
    volumeNamespace: string,
    signal: AbortSignal,
  ): Promise<readonly LockState[]>;
  /** Removes what no snapshot needs, or marks it for the next time. */
  prune(location: BackupStorageLocation, volumeNamespace: string, signal: AbortSignal): Promise<PruneFacts>;
  /** Reads one of `parts` parts of what is stored, and everything that describes it, beside running backups. */
  verify(
    location: BackupStorageLocation,
    volumeNamespace: string,
    slice: { readonly part: number; readonly parts: number },
    signal: AbortSignal,
  ): Promise<VerifyFacts>;
  /**
   * Removes snapshots; those that are gone already count as removed. Their data stay until a prune.
   * @returns what could not be removed and why, a sentence each
   * @throws RepositoryError "lock-held" while others use the repository
   */
  forget(
    location: BackupStorageLocation,
    volumeNamespace: string,
    snapshots: readonly SnapshotToForget[],
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}

export interface LockState {
  readonly exclusive: boolean;
  /** Tells the process that holds it from others; a lock file is replaced every few minutes. */
  readonly owner: string;
  /** When it was last refreshed, in milliseconds since the epoch. */
  readonly refreshedMs: number;
}

export interface SnapshotToForget {
  /** In full or its first digits. */
  readonly id: string;
  /** The tag `backup-uid` that the snapshot has if it is the one that is meant; undefined where nobody knows. */
  readonly backupUid: string | undefined;
}

/** What a look at one part of a repository found. */
export interface VerifyFacts {
  /** In what describes the data: index, trees, and whether all packs are there. The same in every part. */
  readonly structure: FoundDamage | undefined;
  /** In the packs of this part. */
  readonly data: FoundDamage | undefined;
}

export interface FoundDamage {
  readonly problems: number;
  readonly firstProblem: string;
  /** Snapshots that cannot be restored whole, newest first, in words; at most twenty. */
  readonly snapshots: readonly string[];
  readonly snapshotCount: number;
}

/** What a prune did, for the log. */
export interface PruneFacts {
  /** Why writers had to wait for all of it; undefined when they did not. */
  readonly exclusiveBecause?: string;
  /** For deletion by a later prune. */
  readonly markedPacks: number;
  readonly deletedPacks: number;
}
