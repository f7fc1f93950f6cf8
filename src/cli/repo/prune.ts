// stowage repo prune: removes data that no snapshot needs.
import { type Command, Option } from "commander";
import {
  defaultPruneWaitMs,
  type PruneOptions,
  parseByteSize,
  parseMaxUnused,
  prune,
  twoPhasePrune,
} from "../../../repo-format/index.ts";
import { StepReporter } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { threadCount } from "./flag-values.ts";
import { parseDurationMs } from "./global-options.ts";
import { showPrune } from "./prune-report.ts";
import { packSizeBytes } from "./repository-flags.ts";
import { showPending, showTwoPhasePrune } from "./two-phase-report.ts";

/** Shared with `forget --prune`. */
export interface PruneFlags {
  readonly dryRun?: boolean;
  readonly maxUnused?: string;
  readonly maxRepackSize?: string;
  readonly repackCacheableOnly?: boolean;
  readonly repackSmall?: boolean;
  readonly repackUncompressed?: boolean;
  readonly repackSmallerThan?: string;
  readonly unsafeRecoverNoFreeSpace?: string;
}

interface PruneCommandFlags extends PruneFlags {
  readonly twoPhase?: boolean;
  readonly markedFor?: string;
}

const about = `Remove data that no snapshot needs any more, after a forget. Packs that are useless as a whole are deleted;
of those that are partly useful, the useful part is stored anew, as far as more than --max-unused would stay. It may be
cut short at any moment. Others wait meanwhile: a prune takes the exclusive lock, as restic's does.

With --two-phase backups go on. This run stores anew what is useful and marks packs that can go; a run that comes at
least --marked-for later deletes them, but for those that are useful again, with the exclusive lock held for a moment
only, once no other process is at work. That needs a repository that is ours alone: made by a Stowage server, without
locks and snapshots of other programs. Anywhere else it says why not and prunes as it does without the flag. A prune
without the flag does all the work at once, and deletes the marks.`;

const examples = `
Examples:
  stowage repo prune --dry-run                      what would be done
  stowage repo prune --max-unused 10% --max-repack-size 20G
  stowage repo prune --two-phase                    beside running backups; again tomorrow
  stowage repo forget --keep-daily 14 --prune       both in one`;

const steps = {
  snapshots: "snapshots",
  repack: "packs repacked",
  index: "index files",
  delete: "packs deleted",
} as const;

export function addPruneCommand(parent: Command, context: CommandContext): void {
  const command = parent.command("prune").summary("remove data that no snapshot needs").description(about);
  command.option("-n, --dry-run", "show what would be done, and what is marked");
  addPruneOptions(command)
    .option("--two-phase", "mark now and delete in a later run, so that writers go on")
    .option("--marked-for <duration>", "how long marked packs stay at least, such as 90m or 48h (default: 23h)")
    .addOption(new Option("--unsafe-recover-no-free-space <word>", "not available").hideHelp())
    .addHelpText("after", examples)
    .action(async (flags: PruneCommandFlags) => {
      if (flags.unsafeRecoverNoFreeSpace !== undefined)
        throw new UsageError("--unsafe-recover-no-free-space is not available; try --max-repack-size 0");
      const isDryRun = flags.dryRun === true;
      context.refuseNoLock(isDryRun);
      const waitMs = waitOf(flags);
      const options = {
        ...pruneOptions(flags, context),
        dryRun: isDryRun,
        ...context.exclusiveLock({ mayGoWithout: isDryRun }),
      };
      await context.withRepository(async (repository) => {
        if (flags.twoPhase === true) {
          showTwoPhasePrune(context, await twoPhasePrune(repository, { ...options, waitMs }), waitMs);
          return;
        }
        const result = await prune(repository, options);
        showPrune(context, result);
        if (isDryRun) showPending(context, result.pending, waitMs);
      });
    });
}

function waitOf({ markedFor, twoPhase }: PruneCommandFlags): number {
  if (markedFor === undefined) return defaultPruneWaitMs;
  if (twoPhase !== true) throw new UsageError("--marked-for goes with --two-phase");
  return parseDurationMs(markedFor, "--marked-for");
}

/** The flags that say how much to clean up. */
export function addPruneOptions(command: Command): Command {
  return command
    .option("--max-unused <limit>", "unused data that may stay: a share like 5%, a size, or unlimited", "5%")
    .option("--max-repack-size <size>", "store at most so much anew, such as 2G")
    .option("--repack-cacheable-only", "only packs with directories")
    .option("--repack-uncompressed", "everything that is not compressed")
    .option("--repack-small", "packs below 80% of the wanted size")
    .option("--repack-smaller-than <size>", "packs below this size, such as 8M");
}

/** The engine's options for the flags; the lock is left to the caller. */
export function pruneOptions(flags: PruneFlags, context: CommandContext): PruneOptions {
  const small = flags.repackSmallerThan === undefined ? undefined : parseByteSize(flags.repackSmallerThan);
  const reporter = new StepReporter(context.reporting);
  return {
    ...(flags.maxUnused === undefined ? {} : { maxUnusedBytes: parseMaxUnused(flags.maxUnused) }),
    ...(flags.maxRepackSize === undefined ? {} : { maxRepackBytes: parseByteSize(flags.maxRepackSize) }),
    repackCacheableOnly: flags.repackCacheableOnly === true,
    repackUncompressed: flags.repackUncompressed === true,
    threads: threadCount(context.environment),
    ...(small === undefined ? {} : { smallPackBytes: small }),
    ...(flags.repackSmall === true ? { smallPackBytes: small ?? Math.floor(0.8 * packSizeBytes(context)) } : {}),
    onProgress: ({ step, done, total }) => reporter.update({ step: steps[step], done, total }),
    onWarning: (message) => context.output.warn(`warning: ${message}`),
  };
}
