// stowage repo restore: puts a snapshot, or a part of it, back into a directory.
import type { Command } from "commander";
import {
  type Repository,
  type ResolvedSnapshot,
  type RestoredItem,
  type RestoreProgress,
  resolveSnapshot,
  restore,
} from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatCount } from "../output/format-values.ts";
import { ProgressReporter } from "../output/progress.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";
import { addNotesOption, openNotes } from "./local-notes.ts";
import { type RestoreFlags, restoreSettings } from "./restore-options.ts";
import {
  printRestoreSummary,
  reportEntry,
  reportTargetWarning,
  restoreState,
  restoreStatus,
  restoreSummary,
} from "./restore-report.ts";
import { addSnapshotFilterOptions, snapshotFilter } from "./snapshot-filter.ts";
import { describeSnapshot } from "./snapshot-text.ts";

const about = `Put a snapshot, or a part of it, back into a directory: contents, owners, modes, times, links, holes and
extended attributes. Every piece of data is verified before it is written. Files that exist are compared and only
written where they differ, so that running it again continues where it stopped. Nothing outside the target is touched.`;

const examples = `
Examples:
  stowage repo restore latest --target /tmp/documents
  stowage repo restore 79766175:/home/ann --target /home/ann --include '*.txt' --dry-run -vv
  stowage repo restore latest --host web1 --target / --delete --include /etc     /etc as it was, what is new removed`;

export function addRestoreCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("restore")
    .summary("put a snapshot, or a part of it, back into a directory")
    .description(about)
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .option("-t, --target <directory>", "directory to restore into; made when it is not there")
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
    .option("--delete", "delete what is in the target and not in the snapshot, as far as the patterns select it")
    .option("-n, --dry-run", "show what would be done")
    .option("--sparse", "make holes of all zeros; without it, in files that had large holes")
    .option("--no-sparse", "write all zeros out: every file takes its full size")
    .option("--verify", "read everything again afterwards and compare")
    .option("--ownership-by-name", "use the names of user and group instead of their numbers");
  addSnapshotFilterOptions(addNotesOption(command))
    .addHelpText("after", examples)
    .action(async (snapshot: string, flags: RestoreFlags) => {
      const settings = await restoreSettings(flags, context.environment);
      let early: Promise<ResolvedSnapshot> | undefined;
      await context.withLockedRepository(
        context.readLock,
        (repository, signal) => restoreSnapshot({ snapshot, flags, settings, context, repository, signal, early }),
        (repository, signal) => {
          early = readAhead({ snapshot, flags, context, repository, signal });
          return early;
        },
      );
    });
}

interface RestoreRun {
  readonly snapshot: string;
  readonly flags: RestoreFlags;
  readonly settings: Awaited<ReturnType<typeof restoreSettings>>;
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly signal: AbortSignal;
  /** What was found before the lock was held for sure. */
  readonly early: Promise<ResolvedSnapshot> | undefined;
}

type SnapshotQuestion = Pick<RestoreRun, "snapshot" | "flags" | "context" | "repository" | "signal">;

/** The snapshot, and on the way the index and the uppermost tree, so that under the lock they are only asked for by name. */
async function readAhead(question: SnapshotQuestion): Promise<ResolvedSnapshot> {
  const { repository, signal } = question;
  const index = repository.refreshIndex(signal);
  index.catch(() => undefined); // the index is read again under the lock
  const found = await resolve(question);
  index.then(() => repository.prefetchTrees([found.snapshot.tree], signal)).catch(() => undefined);
  return found;
}

/** The snapshot and then the index, which has all blobs of what was listed before it. */
async function findUnderLock({
  early,
  ...question
}: SnapshotQuestion & Pick<RestoreRun, "early">): Promise<ResolvedSnapshot> {
  const { repository, signal } = question;
  const found = await early?.catch(() => undefined);
  if (found !== undefined) {
    const [isThere] = await Promise.all([isListed(repository, found.id, signal), repository.refreshIndex(signal)]);
    if (isThere) return found;
  }
  const again = await resolve(question);
  await repository.refreshIndex(signal);
  return again;
}

function resolve({ snapshot, flags, context, repository, signal }: SnapshotQuestion): Promise<ResolvedSnapshot> {
  return resolveSnapshot(repository, snapshot, { ...snapshotFilter(flags, context), signal });
}

async function isListed(repository: Repository, wanted: ResolvedSnapshot["id"], signal: AbortSignal): Promise<boolean> {
  for await (const { id } of repository.list("snapshot", signal)) if (id === wanted) return true;
  return false;
}

async function restoreSnapshot(run: RestoreRun): Promise<void> {
  const { flags, settings, context, repository, signal } = run;
  const { output, clock } = context;
  const found = await findUnderLock(run);
  output.print(`restoring ${describeSnapshot(found)} to ${settings.target}`);
  // The JSON has more counters than a terminal shows.
  let latest: RestoreProgress | undefined;
  let lastItem: RestoredItem | undefined;
  const toMessage = (): object => (latest === undefined ? {} : restoreStatus(latest));
  const reporter = new ProgressReporter({ ...context.reporting, toMessage });
  const notes = await openNotes(context, repository, flags);
  const startedMs = clock();
  const result = await restore(repository, {
    ...settings,
    notes,
    snapshotId: found.id,
    ...(found.subfolder === "" ? {} : { subfolder: found.subfolder }),
    signal,
    onProgress: (progress) => {
      latest = progress;
      reporter.update(restoreState(progress, lastItem?.path));
    },
    onWarning: (warning) => reportTargetWarning(output, warning),
    onItem: (item) => {
      lastItem = item;
      if (output.verbosity >= 2) reportEntry(output, item, settings.target);
    },
  });
  const seconds = (clock() - startedMs) / 1000;
  if (output.isJson) output.message(restoreSummary(result, seconds));
  else printRestoreSummary(output, result, seconds);
  if (result.errorCount > 0) {
    const text = `Fatal: there ${result.errorCount === 1 ? "was" : "were"} ${formatCount(result.errorCount, "error")}`;
    context.fail(exitCodes.failure, `${text}; everything else is restored`);
  }
}
