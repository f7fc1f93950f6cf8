// What `backup` says while it runs and at its end: restic's JSON messages, or words.
import type { ArchivedItem, ArchiveResult, ItemWarning } from "../../../repo-format/index.ts";
import { formatBytes, formatCount, formatDuration } from "../output/format-values.ts";
import { omitEmpty } from "../output/json-message.ts";
import type { Output } from "../output/output.ts";
import { type ProgressState, secondsRemaining, shareDone } from "../output/progress.ts";
import { printable } from "../output/terminal-text.ts";
import { type BackupCost, costLines, costMessage } from "./backup-cost.ts";

/** A backup that has ended. */
export interface EndedBackup {
  readonly result: ArchiveResult;
  readonly cost: BackupCost;
  readonly seconds: number;
  readonly isDryRun: boolean;
}

/** The `status` message. */
export function backupStatus(state: ProgressState, bytesPerSecond: number): object {
  return {
    ...omitEmpty({
      seconds_elapsed: Math.floor(state.secondsElapsed),
      seconds_remaining: state.isTotalKnown ? secondsRemaining(state, bytesPerSecond) : undefined,
    }),
    percent_done: shareDone(state),
    ...omitEmpty({
      total_files: state.totalFiles,
      files_done: state.filesDone,
      total_bytes: state.totalBytes,
      bytes_done: state.bytesDone,
      error_count: state.errorCount,
      current_files: state.currentFiles,
    }),
  };
}

export function reportSourceWarning(output: Output, warning: ItemWarning): void {
  output.warn(`${warning.kind === "parent" ? "note" : "warning"}: ${printable(warning.path)}: ${warning.message}`, {
    message_type: "error",
    error: { message: warning.message },
    during: "archival",
    item: warning.path,
  });
}

/** -v: the scan is done. */
export function reportScan(output: Output, scan: { files: number; bytes: number; seconds: number }): void {
  if (!output.isJson)
    output.print(
      `found ${formatCount(scan.files, "file")}, ${formatBytes(scan.bytes)}, in ${scan.seconds.toFixed(1)} s`,
    );
  else if (output.verbosity >= 2)
    output.message({
      ...itemMessage("scan_finished", ""),
      duration: scan.seconds,
      data_size: scan.bytes,
      total_files: scan.files,
    });
}

/** -vv: a file or directory is done; restic passes over all else. */
export function reportItem(output: Output, item: ArchivedItem): void {
  if (item.type !== "file" && item.type !== "dir") return;
  const action = item.action === "changed" ? "modified" : item.action;
  const path = item.type === "dir" ? `${item.path}/` : item.path;
  if (output.isJson) output.message({ ...itemMessage(action, path), size: item.sizeBytes });
  else
    output.print(
      `${action.padEnd(9)} ${printable(path)}${item.type === "file" ? ` (${formatBytes(item.sizeBytes)})` : ""}`,
    );
}

/** What a single item adds to the repository is not counted, so restic's fields for that stay 0; `size` is ours. */
function itemMessage(action: string, item: string): object {
  return {
    message_type: "verbose_status",
    action,
    item,
    duration: 0,
    data_size: 0,
    data_size_in_repo: 0,
    metadata_size: 0,
    metadata_size_in_repo: 0,
    total_files: 0,
  };
}

/** The `summary` message: restic's keys, and `report`, which is ours. */
export function backupSummary({ result, cost, seconds, isDryRun }: EndedBackup): object {
  const { summary } = result;
  return {
    message_type: "summary",
    ...(isDryRun ? { dry_run: true } : {}),
    files_new: summary.filesNew,
    files_changed: summary.filesChanged,
    files_unmodified: summary.filesUnmodified,
    dirs_new: summary.dirsNew,
    dirs_changed: summary.dirsChanged,
    dirs_unmodified: summary.dirsUnmodified,
    data_blobs: summary.dataBlobs,
    tree_blobs: summary.treeBlobs,
    data_added: summary.dataAdded,
    data_added_packed: summary.dataAddedPacked,
    total_files_processed: summary.totalFilesProcessed,
    total_bytes_processed: summary.totalBytesProcessed,
    total_duration: seconds,
    backup_start: summary.backupStart,
    backup_end: summary.backupEnd,
    ...(result.snapshotId === undefined ? {} : { snapshot_id: result.snapshotId }),
    report: costMessage(cost),
  };
}

/** The same in words: restic's lines, because scripts look for them. */
export function printBackupSummary(output: Output, { result, cost, seconds, isDryRun }: EndedBackup): void {
  const { summary } = result;
  const counts = (fresh: number, changed: number, same: number): string =>
    `${String(fresh).padStart(5)} new, ${String(changed).padStart(5)} changed, ${String(same).padStart(5)} unmodified`;
  const parent =
    result.parentId === undefined ? "no parent snapshot" : `parent snapshot ${result.parentId.slice(0, 8)}`;
  output.print("");
  output.print(`Files:       ${counts(summary.filesNew, summary.filesChanged, summary.filesUnmodified)}`);
  output.print(`Dirs:        ${counts(summary.dirsNew, summary.dirsChanged, summary.dirsUnmodified)}`);
  if (output.verbosity > 0) {
    output.print(`Data Blobs:  ${String(summary.dataBlobs).padStart(5)} new`);
    output.print(`Tree Blobs:  ${String(summary.treeBlobs).padStart(5)} new`);
    output.print(`Compared to: ${parent}`);
    for (const line of costLines(cost)) output.print(line);
  }
  const [added, stored] = [formatBytes(summary.dataAdded), formatBytes(summary.dataAddedPacked)];
  output.print(`${isDryRun ? "Would add" : "Added"} to the repository: ${added} (${stored} stored)`);
  output.print("");
  const files = formatCount(summary.totalFilesProcessed, "file");
  const rate = seconds >= 1 ? ` (${formatBytes(Math.round(summary.totalBytesProcessed / seconds))}/s)` : "";
  output.print(`processed ${files}, ${formatBytes(summary.totalBytesProcessed)} in ${formatDuration(seconds)}${rate}`);
  if (isDryRun) return;
  if (result.snapshotId !== undefined) output.print(`snapshot ${result.snapshotId.slice(0, 8)} saved`);
  else output.print(result.isUnchanged ? "nothing has changed: no snapshot was made" : "no snapshot was made");
}
