// What a restore is asked for and what it answers.
import type { ErrorCode, RepositoryError } from "../errors.ts";
import type { SnapshotId } from "../format/id.ts";
import type { LocalNotes } from "../notes/local-notes.ts";
import type { BlobWorkerPool } from "../workers/blob-worker-pool.ts";

/**
 * What happens to files that exist: "always" writes what differs, blob by blob; "if-changed" trusts equal size and time;
 * "if-newer" leaves files alone that are as new as the snapshot's; "never" leaves all existing files alone.
 */
export type OverwriteMode = "always" | "if-changed" | "if-newer" | "never";

/** What a restore is asked for. */
export interface RestoreOptions {
  readonly snapshotId: SnapshotId;
  /** Directory inside the snapshot whose content goes to the target; the whole snapshot without it. */
  readonly subfolder?: string | undefined;
  /** Directory; made when it is not there. Links in its own path are followed, nothing below it is. */
  readonly target: string;
  /** Default "always". */
  readonly overwrite?: OverwriteMode | undefined;
  /** Remove what the snapshot does not have, as far as the patterns select it; also whole directories in a file's place. */
  readonly delete?: boolean | undefined;
  /** Report what would be done and change nothing. */
  readonly dryRun?: boolean | undefined;
  /** Read the restored files again and compare them with their ids. */
  readonly verify?: boolean | undefined;
  /**
   * Leave zeros as holes in the files that are made. Undefined: in those that had a hole of 512 KiB or more when they were
   * backed up, or as long a run of zeros, which looks the same.
   */
  readonly sparse?: boolean | undefined;
  /** restic's patterns against the path from the subfolder; everything without them. */
  readonly includes?: readonly string[] | undefined;
  readonly insensitiveIncludes?: readonly string[] | undefined;
  readonly excludes?: readonly string[] | undefined;
  readonly insensitiveExcludes?: readonly string[] | undefined;
  /** For the next backup of the target: with them it does not read the files again that this restore has written. */
  readonly notes?: LocalNotes | undefined;
  /** False: block and character devices are left out, counted and reported. */
  readonly restoreDevices: boolean;
  /** Owners by the names that the snapshot has, where this machine knows them. */
  readonly ownershipByName?: boolean | undefined;
  /** restic's patterns against names of extended attributes; all attributes without them. */
  readonly includeAttributes?: readonly string[] | undefined;
  readonly excludeAttributes?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step, often: slow it down where it goes to people. */
  readonly onProgress?: ((progress: RestoreProgress) => void) | undefined;
  readonly onItem?: ((item: RestoredItem) => void) | undefined;
  readonly onWarning?: ((warning: RestoreWarning) => void) | undefined;
  /** Default: the cores that this process may use. */
  readonly threads?: number | undefined;
  /** Threads that are there already; they stay open. */
  readonly pool?: Pick<BlobWorkerPool, "threads" | "budget" | "restoreBlobs"> | undefined;
}

/** Entries (files, directories, links …) as restic counts them; bytes of file contents. */
export interface RestoreCounts {
  /** Grows while the snapshot is being looked through. Entries that are skipped are not in it. */
  readonly totalFiles: number;
  readonly totalBytes: number;
  readonly filesRestored: number;
  /** Bytes that are right now, whether they were written or were there. */
  readonly bytesRestored: number;
  /** Left alone by the overwrite mode, or equal already. */
  readonly filesSkipped: number;
  readonly bytesSkipped: number;
  readonly filesDeleted: number;
}

/** Where a restore stands. */
export interface RestoreProgress extends RestoreCounts {
  readonly phase: "plan" | "data" | "verify" | "metadata";
  readonly errorCount: number;
  readonly filesVerified: number;
  readonly secondsElapsed: number;
}

export type ItemAction =
  | "dir restored"
  | "file restored"
  | "file updated"
  | "file unchanged"
  | "other restored"
  | "deleted";

/** An entry that a restore has dealt with; sizes in bytes. */
export interface RestoredItem {
  readonly action: ItemAction;
  /** From the subfolder, beginning with "/"; bytes that are no UTF-8 are shown as U+FFFD. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Something about one entry that a restore could not do, or only noted. */
export interface RestoreWarning {
  readonly path: string;
  readonly kind: "unsafe-name" | "tree" | "data" | "entry" | "metadata" | "device" | "verify" | "platform";
  readonly message: string;
  /** True: the target is not what the snapshot says; false: noted only. */
  readonly isError: boolean;
  readonly code?: ErrorCode | undefined;
}

/** What a restore came to. Look at `failure`: it resolves also when single entries could not be restored. */
export interface RestoreResult extends RestoreCounts {
  /** The first 1,000. */
  readonly warnings: readonly RestoreWarning[];
  readonly warningCount: number;
  /** Warnings that are errors. */
  readonly errorCount: number;
  /**
   * Present when something could not be restored: names the first item, what the store said of it, and how many there are.
   * Callers must look at it: everything else has been restored nevertheless.
   */
  readonly failure: RepositoryError | undefined;
  readonly skippedDevices: number;
  /** Files read again for `verify`. */
  readonly filesVerified: number;
  /** Requests for parts of packs, and their bytes. */
  readonly requests: number;
  readonly requestBytes: number;
}
