// stowage repo restore: puts a snapshot, or a part of it, back into a directory.
import type { Command } from "commander";
import {
  type Repository,
  type RestoreOptions,
  type RestoreProgress,
  type RestoreResult,
  type RestoreWarning,
  resolveSnapshot,
  restore,
} from "../../../repo-format/index.ts";
import { formatBytes, formatCount, formatDuration } from "../output/format-values.ts";
import { ProgressReporter, type ProgressState, shareDone } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import { patternsOf } from "./backup.ts";
import { collect } from "./collect.ts";
import type { CommandContext } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface RestoreFlags extends SnapshotFilterFlags {
  readonly target: string;
  readonly include?: readonly string[];
  readonly iinclude?: readonly string[];
  readonly includeFile?: readonly string[];
  readonly iincludeFile?: readonly string[];
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly includeXattr?: readonly string[];
  readonly excludeXattr?: readonly string[];
  readonly overwrite: string;
  readonly delete?: boolean;
  readonly dryRun?: boolean;
  readonly sparse?: boolean;
  readonly verify?: boolean;
  readonly ownershipByName?: boolean;
}

export function addRestoreCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("restore")
    .description("put a snapshot, or a part of it, back into a directory")
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .requiredOption("-t, --target <directory>", "directory to restore into")
    .option("-i, --include <pattern>", "restore only what matches; may be repeated", collect)
    .option("--iinclude <pattern>", "as --include, whatever the case of letters", collect)
    .option("--include-file <file>", "file with patterns to include", collect)
    .option("--iinclude-file <file>", "as --include-file, whatever the case of letters", collect)
    .option("-e, --exclude <pattern>", "leave out what matches; may be repeated", collect)
    .option("--iexclude <pattern>", "as --exclude, whatever the case of letters", collect)
    .option("--exclude-file <file>", "file with patterns to leave out", collect)
    .option("--iexclude-file <file>", "as --exclude-file, whatever the case of letters", collect)
    .option("--include-xattr <pattern>", "restore only extended attributes that match", collect)
    .option("--exclude-xattr <pattern>", "leave out extended attributes that match", collect)
    .option("--overwrite <mode>", "what to do with files that exist: always, if-changed, if-newer or never", "always")
    .option("--delete", "delete files in the target that are not in the snapshot")
    .option("-n, --dry-run", "show what would be done")
    .option("--sparse", "make holes where files hold long runs of zeros")
    .option("--verify", "read everything again afterwards and compare")
    .option("--ownership-by-name", "use the names of user and group instead of their numbers");
  addSnapshotFilterOptions(command).action(async (snapshot: string, flags: RestoreFlags) => {
    const result = await context.withLockedRepository(context.readLock, (repository, signal) =>
      restoreSnapshot({ snapshot, flags, context, repository, signal }),
    );
    if (result.errorCount > 0) context.exitCode = exitCodes.failure;
  });
}

interface RestoreRun {
  readonly snapshot: string;
  readonly flags: RestoreFlags;
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly signal: AbortSignal;
}

async function restoreSnapshot(run: RestoreRun): Promise<RestoreResult> {
  const { context, repository, flags } = run;
  const found = await resolveSnapshot(repository, run.snapshot, snapshotFilter(flags));
  await repository.refreshIndex(run.signal);
  context.output.print(`restoring snapshot ${found.id.slice(0, 8)} to ${flags.target}`);
  const startedMs = context.clock();
  const result = await restore(repository, await restoreOptions(run, found));
  const seconds = (context.clock() - startedMs) / 1000;
  if (context.output.isJson)
    context.output.message({ message_type: "summary", ...counters(result), seconds_elapsed: Math.floor(seconds) });
  else printSummary(context, result, seconds);
  return result;
}

async function restoreOptions(
  { flags, context, signal }: RestoreRun,
  found: Awaited<ReturnType<typeof resolveSnapshot>>,
): Promise<RestoreOptions> {
  const reporter = new ProgressReporter({
    output: context.output,
    framesPerSecond: context.environment.progressFps,
    clock: context.clock,
    toMessage: statusMessage,
  });
  const including = (flags.include ?? flags.iinclude ?? flags.includeFile ?? flags.iincludeFile) !== undefined;
  const excluding = (flags.exclude ?? flags.iexclude ?? flags.excludeFile ?? flags.iexcludeFile) !== undefined;
  if (including && excluding) throw new UsageError("--include and --exclude exclude each other");
  return {
    snapshotId: found.id,
    ...(found.subfolder === "" ? {} : { subfolder: found.subfolder }),
    target: flags.target,
    overwrite: overwriteMode(flags.overwrite),
    delete: flags.delete === true,
    dryRun: flags.dryRun === true,
    verify: flags.verify === true,
    sparse: flags.sparse === true,
    includes: [...(flags.include ?? []), ...(await patternsOf(flags.includeFile, context))],
    insensitiveIncludes: [...(flags.iinclude ?? []), ...(await patternsOf(flags.iincludeFile, context))],
    excludes: [...(flags.exclude ?? []), ...(await patternsOf(flags.excludeFile, context))],
    insensitiveExcludes: [...(flags.iexclude ?? []), ...(await patternsOf(flags.iexcludeFile, context))],
    includeAttributes: [...(flags.includeXattr ?? [])],
    excludeAttributes: [...(flags.excludeXattr ?? [])],
    restoreDevices: true,
    ownershipByName: flags.ownershipByName === true,
    signal,
    onProgress: (progress) => reporter.update(displayed(progress)),
    onWarning: (warning) => reportWarning(context, warning),
    ...(context.output.verbosity >= 2 ? { onItem: (item) => reportItem(context, item) } : {}),
  };
}

function overwriteMode(text: string): RestoreOptions["overwrite"] {
  if (text === "always" || text === "if-changed" || text === "if-newer" || text === "never") return text;
  throw new UsageError(`--overwrite ${text}: choose always, if-changed, if-newer or never`);
}

function displayed(progress: RestoreProgress): ProgressState {
  return {
    secondsElapsed: progress.secondsElapsed,
    bytesDone: progress.bytesRestored,
    totalBytes: progress.totalBytes,
    filesDone: progress.filesRestored,
    totalFiles: progress.totalFiles,
    errorCount: progress.errorCount,
    currentFiles: [],
  };
}

function statusMessage(state: ProgressState): object {
  return {
    seconds_elapsed: Math.floor(state.secondsElapsed),
    percent_done: shareDone(state),
    total_files: state.totalFiles,
    files_restored: state.filesDone,
    total_bytes: state.totalBytes,
    bytes_restored: state.bytesDone,
  };
}

function counters(result: RestoreResult): object {
  return {
    total_files: result.totalFiles,
    files_restored: result.filesRestored,
    files_skipped: result.filesSkipped,
    files_deleted: result.filesDeleted,
    total_bytes: result.totalBytes,
    bytes_restored: result.bytesRestored,
    bytes_skipped: result.bytesSkipped,
  };
}

function reportWarning(context: CommandContext, warning: RestoreWarning): void {
  context.output.warn(`${warning.isError ? "error" : "warning"}: ${warning.path}: ${warning.message}`, {
    message_type: "error",
    error: { message: warning.message },
    during: "restore",
    item: warning.path,
  });
}

function reportItem(context: CommandContext, item: Parameters<NonNullable<RestoreOptions["onItem"]>>[0]): void {
  if (!context.output.isJson) context.output.print(`${item.action.padEnd(9)} ${item.path}`);
  else
    context.output.message({
      message_type: "verbose_status",
      action: item.action,
      item: item.path,
      size: item.sizeBytes,
    });
}

function printSummary({ output }: CommandContext, result: RestoreResult, seconds: number): void {
  const skipped =
    result.filesSkipped > 0
      ? `, skipped ${formatCount(result.filesSkipped, "file")} (${formatBytes(result.bytesSkipped)})`
      : "";
  const deleted = result.filesDeleted > 0 ? `, deleted ${formatCount(result.filesDeleted, "file")}` : "";
  output.print(
    `restored ${formatCount(result.filesRestored, "file or directory", "files and directories")} (${formatBytes(result.bytesRestored)})${skipped}${deleted} in ${formatDuration(seconds)}`,
  );
  if (result.errorCount > 0)
    output.warn(`There were ${formatCount(result.errorCount, "error")}; everything else is restored`);
}
