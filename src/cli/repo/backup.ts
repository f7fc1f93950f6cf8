// stowage repo backup: stores files and directories as a new snapshot.
import { type Command, Option } from "commander";
import { type ArchiveOptions, type ArchiveResult, archive, type Repository } from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { ProgressReporter } from "../output/progress.ts";
import { printable } from "../output/terminal-text.ts";
import { archiveSettings, type BackupFlags } from "./backup-options.ts";
import {
  backupStatus,
  backupSummary,
  printBackupSummary,
  reportItem,
  reportScan,
  reportSourceWarning,
} from "./backup-report.ts";
import { collectSources } from "./backup-sources.ts";
import { refuseSharedInput, sourceStream } from "./backup-stream.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";
import { addNotesOption, openNotes } from "./local-notes.ts";
import { passwordSources } from "./repository-flags.ts";

const about = `Store files and directories as a new snapshot. Files that have not changed since the latest snapshot of the
same host and paths are not read again, and data that the repository holds already is not sent again, so that every
snapshot is complete and costs only what is new. A run that is cut short loses nothing: what was stored is found again.`;

const examples = `
Examples:
  stowage repo backup ~/documents /etc --tag nightly
  stowage repo backup / --one-file-system --exclude-file /etc/backup.exclude --exclude-caches
  stowage repo backup --files-from list.txt --dry-run -vv      what would be stored, and why
  stowage repo backup --stdin-filename db.sql --stdin-from-command -- pg_dump shop
  tar c /etc | stowage repo backup --stdin --stdin-filename etc.tar

-v also says what it read, what it asked of the store and where its time went (--json: the key "report").

With --stdin-from-command a command that fails leaves no snapshot, which a pipe into --stdin cannot see to.

Ends with 3 when the snapshot was made but some of the source could not be read as it is.`;

export function addBackupCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("backup")
    .summary("store files and directories as a new snapshot")
    .description(about)
    .argument("[paths...]", "files and directories; with --stdin-from-command the command and its words")
    .option("-n, --dry-run", "do everything but write")
    .option("-e, --exclude <pattern>", "leave out what matches; may be repeated", collect)
    .option("--iexclude <pattern>", "as --exclude, whatever the case of letters", collect)
    .option("--exclude-file <file>", "file with patterns, one a line", collect)
    .option("--iexclude-file <file>", "as --exclude-file, whatever the case of letters", collect)
    .option("--exclude-if-present <name[:header]>", "leave out the content of directories that hold this file", collect)
    .option("--exclude-caches", "leave out the content of directories that are marked with a CACHEDIR.TAG file")
    .option("--exclude-larger-than <size>", "leave out files larger than this, such as 500M")
    .option("-x, --one-file-system", "do not enter other file systems")
    .option("--files-from <file>", "also store what this file lists, with wildcards; - is standard input", collect)
    .option("--files-from-verbatim <file>", "the same, each line a path as it stands", collect)
    .option("--files-from-raw <file>", "the same, each path ended by a zero byte", collect)
    .option("--stdin", "store what comes through standard input, as the one file of the snapshot")
    .option("--stdin-from-command", "store what a command prints; it stands at the end, behind --")
    .option("--stdin-filename <name>", 'path of that file in the snapshot (default: "stdin")');
  addNotesOption(addSnapshotOptions(command))
    .addHelpText("after", examples)
    .action(async (paths: string[], flags: BackupFlags) => {
      refuseSharedInput(flags, passwordSources(context));
      const targets = await targetsOf(paths, flags, context);
      // A dry run writes nothing, not even a lock.
      const mode = flags.dryRun === true ? "none" : "shared";
      const startedMs = context.clock();
      await context.withLockedRepository(
        mode,
        (repository, signal) =>
          backup({ targets, flags, context, repository, signal, openingMs: context.clock() - startedMs }),
        readParentsAhead,
      );
    });
}

function addSnapshotOptions(command: Command): Command {
  return command
    .option("-f, --force", "read all files again, whatever the parent snapshot says")
    .option("--parent <snapshot>", "compare with this snapshot instead of the latest of the same host and paths")
    .option("-g, --group-by <fields>", "fields that a parent must share: host, paths, tags", "host,paths")
    .option("-H, --host <name>", "host name of the snapshot (RESTIC_HOST)")
    .option("--tag <tags>", "tags of the snapshot, separated by commas; may be repeated", collect)
    .option("--time <time>", 'time of the snapshot, such as "2026-03-31 12:00:00", instead of now')
    .option("--with-atime", "store access times too")
    .option("--ignore-ctime", "ignore the change time when looking for changed files (RESTIC_IGNORE_CTIME)")
    .option("--ignore-inode", "ignore inode number and change time when looking for changes (RESTIC_IGNORE_INODE)")
    .option("--no-scan", "do not count first; shows no remaining time")
    .option("--skip-if-unchanged", "make no snapshot when nothing changed")
    .option("--read-concurrency <threads>", "threads that read (RESTIC_READ_CONCURRENCY; default: the cores)")
    .addOption(new Option("--hostname <name>", "restic's old name of --host").hideHelp());
}

/** What choosing the parent and loading the index will ask for, so that only their listings are left. */
async function readParentsAhead(repository: Repository, signal: AbortSignal): Promise<void> {
  await Promise.all([Array.fromAsync(repository.snapshots(signal)), repository.refreshIndex(signal)]);
}

interface BackupRun {
  readonly targets: Pick<ArchiveOptions, "targets" | "stream">;
  readonly flags: BackupFlags;
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly signal: AbortSignal;
  readonly openingMs: number;
}

/** Paths of files and directories, or a stream. */
async function targetsOf(
  paths: readonly string[],
  flags: BackupFlags,
  { output }: CommandContext,
): Promise<BackupRun["targets"]> {
  const onComplaint = (line: string): void => output.warn(printable(line));
  const stream = sourceStream(flags, { words: paths, stdin: process.stdin, onComplaint });
  if (stream !== undefined) return { targets: [], stream };
  return { targets: await collectSources(paths, flags, (message) => output.warn(`warning: ${message}`)) };
}

async function backup(run: BackupRun): Promise<void> {
  const { context, flags, targets, repository, signal } = run;
  const { output, clock } = context;
  const settings = await archiveSettings(repository, flags, context);
  const notes = await openNotes(context, repository, flags);
  const reports = reportsOf(context, flags);
  const startedMs = clock();
  const result = await archive(repository, { ...settings, ...reports.hooks, ...targets, notes, clock, signal });
  const seconds = (clock() - startedMs) / 1000;
  // Of the whole command, opening included.
  const traffic = repository.traffic();
  const cost = { ...result.report, traffic, openingSeconds: Math.max(0, run.openingMs / 1000) };
  const ended = { result, cost, seconds, isDryRun: flags.dryRun === true };
  if (output.isJson) output.message(backupSummary(ended));
  else printBackupSummary(output, ended);
  judge(context, result, reports.incompleteCount());
}

function judge(context: CommandContext, result: ArchiveResult, incompleteCount: number): void {
  if (result.isEmpty)
    context.fail(exitCodes.failure, "Fatal: nothing was stored: everything is excluded or unreadable");
  else if (incompleteCount > 0) {
    const hint = "the rest is stored; see the warnings above";
    context.fail(exitCodes.incomplete, `Warning: at least one source file could not be read as it is\n  ${hint}`);
  }
}

interface BackupReports {
  readonly hooks: Pick<ArchiveOptions, "onProgress" | "onWarning" | "onItem">;
  /** Warnings about the source, not about the parent snapshot. */
  readonly incompleteCount: () => number;
}

function reportsOf(context: CommandContext, flags: BackupFlags): BackupReports {
  const { output } = context;
  const reporter = new ProgressReporter({ ...context.reporting, toMessage: backupStatus });
  let incompleteCount = 0;
  let isScanTold = !flags.scan || output.verbosity === 0;
  const onProgress: ArchiveOptions["onProgress"] = (progress) => {
    const { totalFiles, totalBytes, secondsElapsed, isScanned } = progress;
    if (!isScanTold && isScanned) {
      isScanTold = true;
      reportScan(output, { files: totalFiles, bytes: totalBytes, seconds: secondsElapsed });
    }
    reporter.update({ ...progress, isTotalKnown: isScanned });
  };
  const hooks: BackupReports["hooks"] = {
    // Counting ahead is a third of the work where nothing has changed.
    ...(reporter.isShown || !isScanTold ? { onProgress } : {}),
    onWarning: (warning) => {
      if (warning.kind !== "parent") incompleteCount++;
      reportSourceWarning(output, warning);
    },
    ...(output.verbosity >= 2 ? { onItem: (item) => reportItem(output, item) } : {}),
  };
  return { hooks, incompleteCount: () => incompleteCount };
}
