// What `restore` says while it runs and at its end: restic's JSON messages, or words.
import { join, resolve } from "node:path";
import type { RestoredItem, RestoreProgress, RestoreResult, RestoreWarning } from "../../../repo-format/index.ts";
import { formatBytes, formatCount, formatDuration } from "../output/format-values.ts";
import { omitEmpty } from "../output/json-message.ts";
import type { Output } from "../output/output.ts";
import type { ProgressState } from "../output/progress.ts";
import { printable } from "../output/terminal-text.ts";

const steps = { plan: "", data: "", verify: "verifying", metadata: "finishing" } as const;

/** A restore's progress as it is shown. @param lastItem what was restored last */
export function restoreState(progress: RestoreProgress, lastItem: string | undefined): ProgressState {
  const { totalFiles, phase } = progress;
  return {
    secondsElapsed: progress.secondsElapsed,
    bytesDone: progress.bytesRestored,
    totalBytes: progress.totalBytes,
    filesDone: phase === "verify" ? progress.filesVerified : progress.filesRestored,
    totalFiles,
    isTotalKnown: phase !== "plan",
    errorCount: progress.errorCount,
    currentFiles: lastItem === undefined ? [] : [lastItem],
    step: steps[phase],
  };
}

function counters(counts: Pick<RestoreResult, CounterName>): object {
  return omitEmpty({
    total_files: counts.totalFiles,
    files_restored: counts.filesRestored,
    files_skipped: counts.filesSkipped,
    files_deleted: counts.filesDeleted,
    total_bytes: counts.totalBytes,
    bytes_restored: counts.bytesRestored,
    bytes_skipped: counts.bytesSkipped,
  });
}

type CounterName =
  | "totalFiles"
  | "totalBytes"
  | "filesRestored"
  | "bytesRestored"
  | "filesSkipped"
  | "bytesSkipped"
  | "filesDeleted";

/** The `status` message, without its type. */
export function restoreStatus(progress: RestoreProgress): object {
  const { bytesRestored, totalBytes, secondsElapsed } = progress;
  return {
    ...omitEmpty({ seconds_elapsed: Math.floor(secondsElapsed) }),
    percent_done: totalBytes > 0 ? bytesRestored / totalBytes : 0,
    ...counters(progress),
  };
}

/** The `summary` message. */
export function restoreSummary(result: RestoreResult, seconds: number): object {
  return {
    message_type: "summary",
    ...omitEmpty({ seconds_elapsed: Math.floor(seconds) }),
    ...counters(result),
  };
}

export function reportTargetWarning(output: Output, warning: RestoreWarning): void {
  const path = printable(warning.path);
  const message = { message_type: "error", error: { message: warning.message }, during: "restore", item: warning.path };
  output.warn(`${warning.isError ? "error" : "warning"}: ${path}: ${warning.message}`, message);
}

/** -vv: an entry is done. @param target where to; as in restic what is deleted is named by its place there. */
export function reportEntry(output: Output, item: RestoredItem, target: string): void {
  // "file restored" and "dir restored" are the same word for restic.
  const action = item.action.split(" ").at(-1) ?? item.action;
  const hasContent = item.action.startsWith("file");
  const path = item.action === "deleted" ? join(resolve(target), item.path) : item.path;
  if (output.isJson) output.message({ message_type: "verbose_status", action, item: path, size: item.sizeBytes });
  else
    output.print(
      `${action.padEnd(9)} ${printable(path)}${hasContent ? ` with size ${formatBytes(item.sizeBytes)}` : ""}`,
    );
}

/** The same in words: restic's line, because scripts look for it. */
export function printRestoreSummary(output: Output, result: RestoreResult, seconds: number): void {
  const { filesRestored, totalFiles, bytesRestored, totalBytes, filesSkipped, filesDeleted } = result;
  const isWhole = filesRestored === totalFiles && bytesRestored === totalBytes;
  const files = isWhole ? `${totalFiles}` : `${filesRestored} / ${totalFiles}`;
  const bytes = isWhole ? formatBytes(totalBytes) : `${formatBytes(bytesRestored)} / ${formatBytes(totalBytes)}`;
  const skipped = filesSkipped > 0 ? `, skipped ${filesSkipped} files/dirs ${formatBytes(result.bytesSkipped)}` : "";
  const deleted = filesDeleted > 0 ? `, deleted ${filesDeleted} files/dirs` : "";
  output.print(`Summary: Restored ${files} files/dirs (${bytes}) in ${formatDuration(seconds)}${skipped}${deleted}`);
  if (result.filesVerified > 0) output.print(`verified ${formatCount(result.filesVerified, "file")}`);
}
