// What a backup is asked for and what it answers: the archiver's side of the front door.
import type { BlobId, SnapshotId } from "../format/id.ts";
import type { NodeType } from "../format/node.ts";
import type { SnapshotSummary } from "../format/snapshot-file.ts";
import type { TimeText } from "../format/time.ts";
import type { LocalNotes } from "../notes/local-notes.ts";
import type { LockedView } from "../repository/locked-view.ts";
import type { BlobWorkerPool } from "../workers/blob-worker-pool.ts";
import type { ArchiveReport } from "./archive-report.ts";
import type { ExcludeOptions } from "./excludes.ts";

/** Which snapshot is looked for as the parent; the latest that fits, not later than the backup's own time. */
export interface ParentQuery {
  /** Taken in order: the first list that some snapshot has all tags of. Host and paths are then not looked at. */
  readonly tagLists?: readonly (readonly string[])[];
  /** Default: host and paths. Without any of them every snapshot fits. */
  readonly groupBy?: readonly ("host" | "paths" | "tags")[];
  /** Fail with "snapshot-missing" when no snapshot fits. Default: every file is read then. */
  readonly isRequired?: boolean;
}

/** Bytes that no file holds, and the file that they become. */
export interface SourceStream {
  /** Absolute and cleaned: where the file lies in the snapshot. */
  readonly path: string;
  /**
   * Begins to read; called once. An error of the system while reading leaves the file out, with a warning; "source-failed"
   * ends the backup without a snapshot.
   * @param signal fires when nobody wants the bytes any more: the iteration must end or throw then.
   */
  readonly open: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

/** What a backup is asked for. Times are RFC 3339 texts, sizes bytes. */
export interface ArchiveOptions {
  /** Files and directories; a buffer for a path that is not UTF-8. Empty with `stream`. */
  readonly targets: readonly (string | Buffer)[];
  /** Bytes from elsewhere (a pipe, the output of a command), stored as the snapshot's one file. */
  readonly stream?: SourceStream;
  /**
   * The single target is a volume: its entries lie directly in the root tree, and exclude patterns see its root as "/".
   */
  readonly relativeRoot?: boolean;
  /** Recorded in the snapshot; default: the targets that exist, absolute and cleaned. */
  readonly paths?: readonly string[];
  readonly hostname: string;
  /** Who made the backup; default: the repository's identity. */
  readonly username?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly tags?: readonly string[];
  /** Default: now, in the host's zone. */
  readonly time?: TimeText;
  /** "none": read every file. Default: searched for by `findParent`. */
  readonly parent?: SnapshotId | "none";
  readonly findParent?: ParentQuery;
  readonly excludes?: ExcludeOptions;
  /** Mount points below a target are kept as empty directories. */
  readonly oneFileSystem?: boolean;
  /** Store access times; default: the modification time in their place. */
  readonly withAtime?: boolean;
  /** A file with another change time, or also another inode, still counts as unchanged. */
  readonly ignoreCtime?: boolean;
  readonly ignoreInode?: boolean;
  /** Do not count files and bytes beforehand: progress has no totals then. */
  readonly noScan?: boolean;
  /** Begin to count them only after so many ms: a backup that is done by then need not pay for it. Default: at once. */
  readonly scanAfterMs?: number;
  /** Of the lock (`viewUnderLock`): what was listed under it a moment ago is not listed again. Default: always list. */
  readonly view?: LockedView | undefined;
  /** Write no snapshot when the tree is the parent's. */
  readonly skipIfUnchanged?: boolean;
  /** Read everything, store nothing. */
  readonly dryRun?: boolean;
  /** Store the names of users and groups, from this machine's account files. */
  readonly userNames?: boolean;
  /** Of earlier runs on this machine, and for later ones: what need not be read again. Default: none. */
  readonly notes?: LocalNotes | undefined;
  /** Stored packs wait so long (ms) for an index file, by which a later run finds them; default: two minutes. */
  readonly indexIntervalMs?: number;
  /** Threads that read and seal; default: the cores. Ignored with `pool`. */
  readonly threads?: number;
  /** Threads that are kept from backup to backup; default: own ones, ended with the backup. */
  readonly pool?: BlobWorkerPool;
  /** Entries that are listed by the main thread before the others list ahead of it; default: 4096, without threads that run 65,536. */
  readonly entriesUnaided?: number;
  readonly signal?: AbortSignal;
  /** Called about five times a second, and once at the end. */
  readonly onProgress?: (progress: ArchiveProgress) => void;
  /** Called when everything is read and sealed: what is left is to store these bytes, the index and the snapshot. */
  readonly onRead?: (bytesStored: number) => void;
  /** Called for each file and directory when it is done. */
  readonly onItem?: (item: ArchivedItem) => void;
  /** Called for each warning, also for those that the result has no room for. */
  readonly onWarning?: (warning: ItemWarning) => void;
  /** "name version". */
  readonly programVersion: string;
  /** Wall clock, ms since the epoch; default: the repository's. */
  readonly clock?: () => number;
  /** Milliseconds that never go back, for the report; default: those of the process. */
  readonly monotonicClock?: () => number;
}

/**
 * Something that is missing from the snapshot or not exactly as it was: vanished files, files that changed while they
 * were read, unreadable ones. "parent": the parent snapshot was no help, the data are complete.
 */
export interface ItemWarning {
  /** As UTF-8; bytes that are none show as U+FFFD. */
  readonly path: string;
  readonly kind: "unreadable" | "vanished" | "changed" | "metadata" | "parent";
  readonly message: string;
}

/** A file or directory that was looked at, and what became of it; sizes in bytes. */
export interface ArchivedItem {
  readonly path: string;
  readonly type: NodeType;
  readonly action: "new" | "changed" | "unchanged";
  readonly sizeBytes: number;
}

/** Where a backup stands; sizes in bytes of source files. */
export interface ArchiveProgress {
  /** 0 until the scan has found something; final when `isScanned`. */
  readonly totalFiles: number;
  readonly totalBytes: number;
  readonly isScanned: boolean;
  readonly filesDone: number;
  readonly dirsDone: number;
  readonly bytesDone: number;
  readonly errorCount: number;
  /** Files that are being read. */
  readonly currentFiles: readonly string[];
  readonly secondsElapsed: number;
}

/** What a backup came to; it resolves also when single files could not be read. */
export interface ArchiveResult {
  /** Absent when none was written: dry run, unchanged and to be skipped, or nothing to save at all. */
  readonly snapshotId: SnapshotId | undefined;
  readonly parentId: SnapshotId | undefined;
  readonly treeId: BlobId;
  /** There was nothing to save: no entry was found, or every one was excluded or unreadable. */
  readonly isEmpty: boolean;
  /** The tree is the parent's. */
  readonly isUnchanged: boolean;
  readonly summary: SnapshotSummary;
  readonly report: ArchiveReport;
  /** The first thousand. */
  readonly warnings: readonly ItemWarning[];
  readonly warningCount: number;
}
