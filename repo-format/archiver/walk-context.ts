// What all parts of one backup run share.
import type { StatNodeOptions } from "../file-tree/node-metadata.ts";
import type { BlobUploader } from "../repository/blob-uploader.ts";
import type { Stopwatch } from "../repository/stopwatch.ts";
import type { QueueMeter } from "./archive-directory.ts";
import type { FileArchiver } from "./archive-file.ts";
import type { ArchiveStatistics } from "./archive-statistics.ts";
import type { ChangeRules } from "./compare-nodes.ts";
import type { Excluder } from "./excludes.ts";
import type { ListingAhead } from "./listing-ahead.ts";
import type { ParentTrees } from "./parent-tree.ts";
import type { RunNotes } from "./run-notes.ts";
import type { WalkState } from "./scan-source.ts";
import type { TreeSaver } from "./tree-saver.ts";

export interface WalkContext {
  readonly uploader: BlobUploader;
  readonly files: FileArchiver;
  /** Absent where nothing may be listed ahead. */
  readonly ahead?: ListingAhead | undefined;
  /** Threads run already. */
  readonly hasThreads: () => boolean;
  /** Default: 4096, and more while no thread runs. */
  readonly entriesUnaided?: number | undefined;
  readonly trees: TreeSaver;
  readonly parents: ParentTrees;
  readonly notes: Pick<RunNotes, "isAsRestored">;
  readonly excluder: Excluder;
  readonly statistics: ArchiveStatistics;
  readonly meter: QueueMeter;
  readonly walkState: WalkState;
  /** Runs while the walk waits for the threads. */
  readonly waiting: Stopwatch;
  readonly changeRules: ChangeRules;
  /** Absolute, one character per byte: where relative targets begin. */
  readonly workingDirectory: string;
  readonly oneFileSystem: boolean;
  readonly nodeOptions: Pick<StatNodeOptions, "withAtime" | "accounts">;
  /** Fires when the run is cancelled or has failed. */
  readonly signal: AbortSignal;
}
