// stowage repo prune: removes data that no snapshot needs.
import { type Command, Option } from "commander";
import { type PruneOptions, parseByteSize, parseMaxUnused, prune } from "../../../repo-format/index.ts";
import { StepReporter } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { showPrune } from "./prune-report.ts";
import { packSizeBytes } from "./repository-flags.ts";

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

const about = `Remove data that no snapshot needs any more, after a forget. Packs that are useless as a whole are deleted;
of those that are partly useful, the useful part is stored anew, as far as more than --max-unused would stay. It may be
cut short at any moment. Others wait meanwhile: a prune takes the exclusive lock, as restic's does.`;

const examples = `
Examples:
  stowage repo prune --dry-run                      what would be done
  stowage repo prune --max-unused 10% --max-repack-size 20G
  stowage repo forget --keep-daily 14 --prune       both in one`;

const steps = {
  snapshots: "snapshots",
  repack: "packs repacked",
  index: "index files",
  delete: "packs deleted",
} as const;

export function addPruneCommand(parent: Command, context: CommandContext): void {
  const command = parent.command("prune").summary("remove data that no snapshot needs").description(about);
  command.option("-n, --dry-run", "show what would be done");
  addPruneOptions(command)
    .addOption(new Option("--unsafe-recover-no-free-space <word>", "not available").hideHelp())
    .addHelpText("after", examples)
    .action(async (flags: PruneFlags) => {
      if (flags.unsafeRecoverNoFreeSpace !== undefined)
        throw new UsageError("--unsafe-recover-no-free-space is not available; try --max-repack-size 0");
      const isDryRun = flags.dryRun === true;
      const options = {
        ...pruneOptions(flags, context),
        dryRun: isDryRun,
        ...context.exclusiveLock({ mayGoWithout: isDryRun }),
      };
      await context.withRepository(async (repository) => showPrune(context, await prune(repository, options)));
    });
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
    ...(small === undefined ? {} : { smallPackBytes: small }),
    ...(flags.repackSmall === true ? { smallPackBytes: small ?? Math.floor(0.8 * packSizeBytes(context)) } : {}),
    onProgress: ({ step, done, total }) => reporter.update({ step: steps[step], done, total }),
    onWarning: (message) => context.output.warn(`warning: ${message}`),
  };
}
