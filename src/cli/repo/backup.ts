// stowage repo backup: stores files and directories as a new snapshot.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  type ArchiveOptions,
  type ArchiveResult,
  archive,
  type ExcludeOptions,
  type ItemWarning,
  parseGroupBy,
  type Repository,
  resolveSnapshot,
} from "../../../repo-format/index.ts";
import { formatBytes, formatCount, formatDuration, parseSize } from "../output/format-values.ts";
import { ProgressReporter, type ProgressState, secondsRemaining, shareDone } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./collect.ts";
import { type CommandContext, currentIdentity } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { splitTags } from "./snapshot-filter.ts";
import { parseSnapshotTime } from "./snapshot-time.ts";

interface BackupFlags {
  readonly dryRun?: boolean;
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly excludeIfPresent?: readonly string[];
  readonly excludeCaches?: boolean;
  readonly excludeLargerThan?: string;
  readonly force?: boolean;
  readonly parent?: string;
  readonly groupBy: string;
  readonly host?: string;
  readonly tag?: readonly string[];
  readonly time?: string;
  readonly oneFileSystem?: boolean;
  readonly withAtime?: boolean;
  readonly ignoreCtime?: boolean;
  readonly ignoreInode?: boolean;
  readonly scan: boolean;
  readonly skipIfUnchanged?: boolean;
  readonly readConcurrency?: string;
}

export function addBackupCommand(parent: Command, context: CommandContext): void {
  parent
    .command("backup")
    .description("store files and directories as a new snapshot")
    .argument("<paths...>", "files and directories")
    .option("-n, --dry-run", "do everything but write")
    .option("-e, --exclude <pattern>", "leave out what matches; may be repeated", collect)
    .option("--iexclude <pattern>", "as --exclude, whatever the case of letters", collect)
    .option("--exclude-file <file>", "file with patterns, one a line", collect)
    .option("--iexclude-file <file>", "as --exclude-file, whatever the case of letters", collect)
    .option("--exclude-if-present <name[:header]>", "leave out the content of directories that hold this file", collect)
    .option("--exclude-caches", "leave out the content of directories that are marked with a CACHEDIR.TAG file")
    .option("--exclude-larger-than <size>", "leave out files larger than this, such as 500M")
    .option("-x, --one-file-system", "do not enter other file systems")
    .option("-f, --force", "read all files again, whatever the parent snapshot says")
    .option("--parent <snapshot>", "compare with this snapshot instead of the latest of the same host and paths")
    .option("-g, --group-by <fields>", "fields that a parent must share: host, paths, tags", "host,paths")
    .option("-H, --host <name>", "host name of the snapshot (RESTIC_HOST)")
    .option("--tag <tags>", "tags of the snapshot, separated by commas; may be repeated", collect)
    .option("--time <time>", 'time of the snapshot, such as "2026-03-31 12:00:00", instead of now')
    .option("--with-atime", "store access times too")
    .option("--ignore-ctime", "ignore the change time when looking for changed files")
    .option("--ignore-inode", "ignore inode number and change time when looking for changed files")
    .option("--no-scan", "do not count first; shows no remaining time")
    .option("--skip-if-unchanged", "make no snapshot when nothing changed")
    .option("--read-concurrency <threads>", "files read at a time (RESTIC_READ_CONCURRENCY)")
    .addHelpText("after", "\nEnds with 3 when the snapshot was made but some of the source could not be read.\n")
    .action(async (paths: string[], flags: BackupFlags) => {
      const result = await context.withLockedRepository("shared", (repository, signal) =>
        backup({ paths, flags, context, repository, signal }),
      );
      if (result.warningCount > 0) context.exitCode = exitCodes.incomplete;
    });
}

interface BackupRun {
  readonly paths: readonly string[];
  readonly flags: BackupFlags;
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly signal: AbortSignal;
}

async function backup(run: BackupRun): Promise<ArchiveResult> {
  const { context, flags } = run;
  const startedMs = context.clock();
  const options = await archiveOptions(run);
  const result = await archive(run.repository, options);
  const seconds = (context.clock() - startedMs) / 1000;
  if (context.output.isJson) context.output.message(summaryMessage(result, seconds, flags.dryRun === true));
  else printSummary(context, result, seconds);
  return result;
}

async function archiveOptions({ paths, flags, context, repository, signal }: BackupRun): Promise<ArchiveOptions> {
  const { environment, output } = context;
  const reporter = new ProgressReporter({
    output,
    framesPerSecond: environment.progressFps,
    clock: context.clock,
    toMessage: statusMessage,
  });
  const identity = currentIdentity();
  const host = flags.host ?? environment.host ?? identity.hostname;
  const readConcurrency = positiveInteger(flags.readConcurrency ?? environment.readConcurrency, "--read-concurrency");
  return {
    targets: [...paths],
    hostname: host,
    username: identity.username,
    uid: identity.uid,
    gid: identity.gid,
    tags: splitTags(flags.tag).flat(),
    ...(flags.time === undefined ? {} : { time: parseSnapshotTime(flags.time) }),
    ...(await parentChoice(flags, repository)),
    excludes: await excludeOptions(flags, context),
    oneFileSystem: flags.oneFileSystem === true,
    withAtime: flags.withAtime === true,
    ignoreCtime: flags.ignoreCtime === true || environment.ignoreCtime,
    ignoreInode: flags.ignoreInode === true || environment.ignoreInode,
    noScan: !flags.scan,
    skipIfUnchanged: flags.skipIfUnchanged === true,
    dryRun: flags.dryRun === true,
    userNames: true,
    ...(readConcurrency === undefined ? {} : { threads: readConcurrency }),
    programVersion: `stowage ${context.version}`,
    clock: context.clock,
    signal,
    onProgress: (progress) => reporter.update(progress),
    onWarning: (warning) => reportWarning(context, warning),
    ...(output.verbosity >= 2 ? { onItem: (item) => reportItem(context, item) } : {}),
  };
}

type ParentChoice = Pick<ArchiveOptions, "parent" | "findParent">;

async function parentChoice(flags: BackupFlags, repository: Repository): Promise<ParentChoice> {
  if (flags.force === true) return { parent: "none" };
  if (flags.parent !== undefined) return { parent: (await resolveSnapshot(repository, flags.parent, {})).id };
  const groupBy = parseGroupBy(flags.groupBy);
  return { findParent: { groupBy: (["host", "paths", "tags"] as const).filter((field) => groupBy[field]) } };
}

async function excludeOptions(flags: BackupFlags, context: CommandContext): Promise<ExcludeOptions> {
  const largerThan = flags.excludeLargerThan === undefined ? undefined : parseSize(flags.excludeLargerThan);
  if (flags.excludeLargerThan !== undefined && largerThan === undefined) {
    throw new UsageError(`--exclude-larger-than ${flags.excludeLargerThan}: write a size like 500M`);
  }
  return {
    patterns: [...(flags.exclude ?? []), ...(await patternsOf(flags.excludeFile, context))],
    insensitivePatterns: [...(flags.iexclude ?? []), ...(await patternsOf(flags.iexcludeFile, context))],
    ifPresent: [...(flags.excludeIfPresent ?? [])],
    caches: flags.excludeCaches === true,
    ...(largerThan === undefined ? {} : { largerThanBytes: largerThan }),
  };
}

/** Patterns of files: comments and blank lines dropped, `$VAR` and `${VAR}` replaced, `$$` a dollar sign. */
export async function patternsOf(files: readonly string[] | undefined, context: CommandContext): Promise<string[]> {
  const patterns: string[] = [];
  for (const file of files ?? []) {
    const text = await readFile(file, "utf8").catch((cause: Error) => {
      throw new UsageError(`cannot read the pattern file ${file}: ${cause.message}`);
    });
    for (const raw of text.replace(/^\uFEFF/, "").split("\n")) {
      const line = raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      patterns.push(
        line.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar?: string, braced?: string, bare?: string) =>
          dollar !== undefined ? "$" : (context.environment.all[braced ?? bare ?? ""] ?? ""),
        ),
      );
    }
  }
  return patterns;
}

/** Parses a flag that counts something; undefined stays undefined. */
export function positiveInteger(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} ${text}: give a whole number above 0`);
}

function statusMessage(state: ProgressState): object {
  const remaining = secondsRemaining(state);
  return {
    seconds_elapsed: Math.floor(state.secondsElapsed),
    ...(remaining === undefined ? {} : { seconds_remaining: remaining }),
    percent_done: shareDone(state),
    total_files: state.totalFiles,
    files_done: state.filesDone,
    total_bytes: state.totalBytes,
    bytes_done: state.bytesDone,
    ...(state.errorCount > 0 ? { error_count: state.errorCount } : {}),
    current_files: state.currentFiles,
  };
}

function reportWarning(context: CommandContext, warning: ItemWarning): void {
  context.output.warn(`warning: ${warning.path}: ${warning.message}`, {
    message_type: "error",
    error: { message: warning.message },
    during: "archival",
    item: warning.path,
  });
}

function reportItem(context: CommandContext, item: Parameters<NonNullable<ArchiveOptions["onItem"]>>[0]): void {
  if (!context.output.isJson) context.output.print(`${item.action.padEnd(9)} ${item.path}`);
  else
    context.output.message({
      message_type: "verbose_status",
      action: item.action,
      item: item.path,
      data_size: item.sizeBytes,
    });
}

function summaryMessage(result: ArchiveResult, seconds: number, dryRun: boolean): object {
  const { summary } = result;
  return {
    message_type: "summary",
    ...(dryRun ? { dry_run: true } : {}),
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
    backup_start: summary.backupStart,
    backup_end: summary.backupEnd,
    total_duration: seconds,
    ...(result.snapshotId === undefined ? {} : { snapshot_id: result.snapshotId }),
  };
}

function printSummary({ output }: CommandContext, result: ArchiveResult, seconds: number): void {
  const { summary } = result;
  output.print(
    `files:  ${summary.filesNew} new, ${summary.filesChanged} changed, ${summary.filesUnmodified} unmodified`,
  );
  output.print(`dirs:   ${summary.dirsNew} new, ${summary.dirsChanged} changed, ${summary.dirsUnmodified} unmodified`);
  output.print(`added:  ${formatBytes(summary.dataAdded)} (${formatBytes(summary.dataAddedPacked)} stored)`);
  output.print(
    `processed ${formatCount(summary.totalFilesProcessed, "file")}, ${formatBytes(summary.totalBytesProcessed)} in ${formatDuration(seconds)}`,
  );
  if (result.snapshotId !== undefined) output.print(`snapshot ${result.snapshotId.slice(0, 8)} saved`);
  else output.print("no snapshot was made");
  if (result.warningCount > 0) {
    output.warn(
      `${formatCount(result.warningCount, "item")} could not be stored as they are; the rest is safe in the snapshot`,
    );
  }
}
