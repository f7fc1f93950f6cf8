// Counts what a backup does, collects its warnings, and tells of both while it runs and at its end.
import type { Node, NodeType } from "../format/node.ts";
import { isSameNode } from "../format/same-node.ts";
import type { SnapshotSummary } from "../format/snapshot-file.ts";
import type { TimeText } from "../format/time.ts";
import type { UploadStats } from "../repository/blob-uploader.ts";
import type { ArchivedItem, ArchiveOptions, ArchiveProgress, ItemWarning } from "./archive-options.ts";
import { countOf, type EntryCounts, noEntries } from "./archive-report.ts";

/** Warnings that the result keeps; all are counted and reported. */
const keptWarnings = 1000;
/** Files named in a progress report. */
const shownFiles = 8;

type Action = ArchivedItem["action"];

const noCounts: Record<Action, number> = { new: 0, changed: 0, unchanged: 0 };

export class ArchiveStatistics {
  readonly warnings: ItemWarning[] = [];
  warningCount = 0;
  /** Found by the scan. */
  totalFiles = 0;
  totalBytes = 0;
  isScanned = false;
  /** Content that came from the source. */
  bytesRead = 0;
  excludedCount = 0;
  readonly #options: Pick<ArchiveOptions, "onItem" | "onWarning">;
  readonly #files: Record<Action, number> = { ...noCounts };
  readonly #dirs: Record<Action, number> = { ...noCounts };
  readonly #entries: EntryCounts = noEntries();
  /** Sizes of the files that are done. */
  #fileBytes = 0;
  /** Those and what was read of others. */
  #bytesDone = 0;

  constructor(options: Pick<ArchiveOptions, "onItem" | "onWarning">) {
    this.#options = options;
  }

  /** @param path one character per byte. */
  warn(path: string, kind: ItemWarning["kind"], message: string): void {
    const warning = { path: shownPath(path), kind, message };
    this.warningCount++;
    if (this.warnings.length < keptWarnings) this.warnings.push(warning);
    this.#options.onWarning?.(warning);
  }

  /** The walk has seen everything: what it saw are the totals. */
  endScan(): void {
    this.totalFiles = sumOf(this.#files);
    this.totalBytes = this.#bytesDone;
    this.isScanned = true;
  }

  /** Bytes of a file went by without being read: they are known, or a hole. */
  addKnownBytes(bytes: number): void {
    this.#bytesDone += bytes;
  }

  addReadBytes(bytes: number): void {
    this.#bytesDone += bytes;
    this.bytesRead += bytes;
  }

  /** A file or directory is done. @param isReused its content was taken over from the parent without reading. */
  addItem(path: string, node: Node, previous: Node | undefined, isReused: boolean = false): void {
    const action = actionOf(node, previous, isReused);
    if (node.type === "dir") this.#dirs[action]++;
    else if (node.type === "file") {
      this.#files[action]++;
      this.#fileBytes += node.size;
      if (node.links > 1) this.#entries.hardLinks++;
    }
    this.#options.onItem?.({ path: shownPath(path), type: node.type, action, sizeBytes: node.size });
  }

  /** An entry that is neither a file nor a directory. */
  addOther(type: NodeType): void {
    const kind = countOf(type);
    if (kind !== undefined) this.#entries[kind]++;
  }

  get entries(): EntryCounts {
    return { ...this.#entries, files: sumOf(this.#files), directories: sumOf(this.#dirs) };
  }

  progress(currentPaths: Iterable<string>, secondsElapsed: number): ArchiveProgress {
    const currentFiles: string[] = [];
    for (const path of currentPaths) if (currentFiles.length < shownFiles) currentFiles.push(shownPath(path));
    return {
      totalFiles: this.totalFiles,
      totalBytes: this.totalBytes,
      isScanned: this.isScanned,
      filesDone: sumOf(this.#files),
      dirsDone: sumOf(this.#dirs),
      bytesDone: this.#bytesDone,
      errorCount: this.warningCount,
      currentFiles,
      secondsElapsed,
    };
  }

  summary(uploaded: UploadStats, backupStart: TimeText, backupEnd: TimeText): SnapshotSummary {
    return {
      backupStart,
      backupEnd,
      filesNew: this.#files.new,
      filesChanged: this.#files.changed,
      filesUnmodified: this.#files.unchanged,
      dirsNew: this.#dirs.new,
      dirsChanged: this.#dirs.changed,
      dirsUnmodified: this.#dirs.unchanged,
      dataBlobs: uploaded.dataBlobs,
      treeBlobs: uploaded.treeBlobs,
      dataAdded: uploaded.dataAddedBytes,
      dataAddedPacked: uploaded.dataAddedPackedBytes,
      totalFilesProcessed: sumOf(this.#files),
      totalBytesProcessed: this.#fileBytes,
    };
  }
}

function actionOf(node: Node, previous: Node | undefined, isReused: boolean): Action {
  if (isReused) return "unchanged";
  if (previous === undefined) return "new";
  return isSameNode(previous, node) ? "unchanged" : "changed";
}

function sumOf(counts: Record<Action, number>): number {
  return counts.new + counts.changed + counts.unchanged;
}

/** Bytes, one a character, as UTF-8 for people. */
export function shownPath(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}
