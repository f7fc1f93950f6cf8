// stowage repo rewrite: makes new snapshots of old ones, without some files or with other metadata.
import type { Command } from "commander";
import { type RewriteOptions, type RewrittenSnapshot, rewriteSnapshots } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { printable } from "../output/terminal-text.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";
import { readPatternFiles } from "./pattern-files.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { describeSnapshot } from "./snapshot-text.ts";
import { parseSnapshotTime } from "./snapshot-time.ts";

interface RewriteFlags extends SnapshotFilterFlags {
  readonly exclude?: readonly string[];
  readonly iexclude?: readonly string[];
  readonly excludeFile?: readonly string[];
  readonly iexcludeFile?: readonly string[];
  readonly include?: readonly string[];
  readonly iinclude?: readonly string[];
  readonly includeFile?: readonly string[];
  readonly iincludeFile?: readonly string[];
  readonly forget?: boolean;
  readonly dryRun?: boolean;
  readonly newHost?: string;
  readonly newTime?: string;
  readonly snapshotSummary?: boolean;
}

const about = `Make new snapshots of those that are named, or of all that the filters choose (without either: of all): without
the files that a pattern names, or with another host or time. Snapshots of which nothing changes are left alone. A new one has
the tag "rewrite" and remembers the old one, which stays; with --forget it takes the old one's place. The data of what was
left out is removed by prune, once no snapshot needs it.`;

const examples = `
Examples:
  stowage repo rewrite --exclude "*.secret" --dry-run -vv
  stowage repo rewrite --exclude "*.secret" --forget && stowage repo prune
  stowage repo rewrite --new-host web1 --host localhost --forget
  stowage repo rewrite --snapshot-summary         counts what old snapshots hold`;

export function addRewriteCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("rewrite")
    .summary("make new snapshots without some files, or with other metadata")
    .description(about)
    .argument("[ids...]", "only these snapshots")
    .option("-e, --exclude <pattern>", "leave out what matches; may be repeated", collect)
    .option("--iexclude <pattern>", "as --exclude, whatever the case of letters", collect)
    .option("--exclude-file <file>", "file with patterns, one a line", collect)
    .option("--iexclude-file <file>", "as --exclude-file, whatever the case of letters", collect)
    .option("-i, --include <pattern>", "keep only what matches; may be repeated", collect)
    .option("--iinclude <pattern>", "as --include, whatever the case of letters", collect)
    .option("--include-file <file>", "file with patterns, one a line", collect)
    .option("--iinclude-file <file>", "as --include-file, whatever the case of letters", collect)
    .option("--forget", "remove the old snapshots")
    .option("-n, --dry-run", "show what would be done")
    .option("--new-host <name>", "the host from now on")
    .option("--new-time <time>", 'the time from now on, such as "2026-03-31 12:00:00"')
    .option("-s, --snapshot-summary", "count the files of snapshots that have no summary");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((ids: string[], flags: RewriteFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: RewriteFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  const isDryRun = flags.dryRun === true;
  const options = {
    ...(await rewriteSettings(flags, context)),
    ...snapshotFilter(flags, context),
    ids,
    ...context.exclusiveLock({ mayGoWithout: isDryRun }),
    ...reports(flags, context),
  };
  const rewritten = await context.withRepository((repository) => rewriteSnapshots(repository, options));
  if (output.isJson) {
    output.message({ message_type: "summary", changed_snapshots: rewritten.length });
    return;
  }
  const would = isDryRun ? "would be " : "were ";
  if (rewritten.length === 0) output.print(`\nno snapshots ${would}modified`);
  else output.print(`\n${isDryRun ? "would modify" : "modified"} ${formatCount(rewritten.length, "snapshot")}`);
}

/** @throws UsageError for flags that contradict each other or ask for nothing; nothing has been opened by then. */
async function rewriteSettings(flags: RewriteFlags, { environment }: CommandContext): Promise<RewriteOptions> {
  const read = async (patterns: readonly string[] = [], files?: readonly string[]): Promise<string[]> => [
    ...patterns,
    ...(await readPatternFiles(files, environment.all)),
  ];
  const patterns = {
    excludes: await read(flags.exclude, flags.excludeFile),
    insensitiveExcludes: await read(flags.iexclude, flags.iexcludeFile),
    includes: await read(flags.include, flags.includeFile),
    insensitiveIncludes: await read(flags.iinclude, flags.iincludeFile),
  };
  const isExcluding = patterns.excludes.length + patterns.insensitiveExcludes.length > 0;
  const isIncluding = patterns.includes.length + patterns.insensitiveIncludes.length > 0;
  if (isExcluding && isIncluding) throw new UsageError("--exclude and --include exclude each other");
  const newHost = flags.newHost === "" ? undefined : flags.newHost;
  const newTime = flags.newTime === undefined || flags.newTime === "" ? undefined : flags.newTime;
  // A file without patterns, or an empty one, asks for nothing to be left out: then nothing changes.
  const lists = [flags.exclude, flags.iexclude, flags.excludeFile, flags.iexcludeFile];
  const keepLists = [flags.include, flags.iinclude, flags.includeFile, flags.iincludeFile];
  const isAsked = flags.snapshotSummary === true || [...lists, ...keepLists].some((list) => list !== undefined);
  if (!isAsked && newHost === undefined && newTime === undefined)
    throw new UsageError("nothing to do: give --exclude, --include, --new-host, --new-time or --snapshot-summary");
  return {
    ...patterns,
    newHost,
    newTime: newTime === undefined ? undefined : parseSnapshotTime(newTime, "--new-time"),
    snapshotSummary: flags.snapshotSummary === true,
    forget: flags.forget === true,
    dryRun: flags.dryRun === true,
  };
}

function reports(flags: RewriteFlags, context: CommandContext): Partial<RewriteOptions> {
  const { output } = context;
  return {
    onIgnored: context.reportIgnored,
    onSnapshot: (found) => output.print(`\n${describeSnapshot(found)}`),
    onLeftOut: (path) => {
      if (output.verbosity > 1) output.print(`leaving out ${printable(path.toString("utf8"))}`);
    },
    onRewritten: (rewritten) => {
      if (output.isJson) return output.message(rewrittenMessage(rewritten));
      const { oldId, newId } = rewritten;
      if (newId === undefined) {
        output.print(
          flags.forget === true ? "would save a new snapshot and remove this one" : "would save a new snapshot",
        );
        return;
      }
      output.print(`saved new snapshot ${newId.slice(0, 8)}`);
      if (flags.forget === true) output.print(`removed old snapshot ${oldId.slice(0, 8)}`);
    },
  };
}

/** The same keys as a change of tags has. */
function rewrittenMessage({ oldId, newId }: RewrittenSnapshot): object {
  return {
    message_type: "changed",
    old_snapshot_id: oldId,
    ...(newId === undefined ? {} : { new_snapshot_id: newId }),
  };
}
