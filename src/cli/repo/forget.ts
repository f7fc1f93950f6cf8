// stowage repo forget: removes snapshots that a retention policy does not keep.
import type { Command } from "commander";
import { forget, type KeepPolicy, parseGroupBy, parseKeepDuration } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";
import { showForget } from "./forget-report.ts";
import { addPruneOptions, type PruneFlags, pruneOptions } from "./prune.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter, splitTags } from "./snapshot-filter.ts";

interface ForgetFlags extends SnapshotFilterFlags, PruneFlags {
  readonly keepLast?: string;
  readonly keepHourly?: string;
  readonly keepDaily?: string;
  readonly keepWeekly?: string;
  readonly keepMonthly?: string;
  readonly keepYearly?: string;
  readonly keepWithin?: string;
  readonly keepWithinHourly?: string;
  readonly keepWithinDaily?: string;
  readonly keepWithinWeekly?: string;
  readonly keepWithinMonthly?: string;
  readonly keepWithinYearly?: string;
  readonly keepTag?: readonly string[];
  readonly groupBy: string;
  readonly compact?: boolean;
  readonly prune?: boolean;
  readonly unsafeAllowRemoveAll?: boolean;
}

const about = `Remove snapshots: those that are named, or those that no --keep rule keeps. The rules apply to each group of
snapshots of the same host and paths by itself; a snapshot stays when any rule wants it. The data that only they needed
is removed by a prune afterwards (--prune does it at once).`;

const examples = `
Examples:
  stowage repo forget --keep-daily 14 --keep-weekly 8 --keep-monthly 12 --dry-run
  stowage repo forget --tag nightly --keep-within 30d --prune
  stowage repo forget 79766175

Ends with 3 when some snapshots could not be removed.`;

export function addForgetCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("forget")
    .summary("remove snapshots: those named, or those that a policy does not keep")
    .description(about)
    .argument("[ids...]", "exactly these, whatever the policy says")
    .option("-l, --keep-last <n>", "keep the newest n (unlimited, or -1: all; so for the others)")
    .option("-H, --keep-hourly <n>", "keep the newest of each of n hours")
    .option("-d, --keep-daily <n>", "keep the newest of each of n days")
    .option("-w, --keep-weekly <n>", "keep the newest of each of n weeks")
    .option("-m, --keep-monthly <n>", "keep the newest of each of n months")
    .option("-y, --keep-yearly <n>", "keep the newest of each of n years")
    .option("--keep-within <duration>", "keep all that are newer than this before the newest, such as 1y5m7d2h")
    .option("--keep-within-hourly <duration>", "as --keep-hourly, limited by time")
    .option("--keep-within-daily <duration>", "as --keep-daily, limited by time")
    .option("--keep-within-weekly <duration>", "as --keep-weekly, limited by time")
    .option("--keep-within-monthly <duration>", "as --keep-monthly, limited by time")
    .option("--keep-within-yearly <duration>", "as --keep-yearly, limited by time")
    .option("--keep-tag <tags>", "keep those with all of these tags; may be repeated", collect)
    .option("-g, --group-by <fields>", "apply the policy to each group of: host, paths, tags", "host,paths")
    .option("-c, --compact", "one line a snapshot")
    .option("-n, --dry-run", "show what would be done")
    .option("--unsafe-allow-remove-all", "allow removing all snapshots; needs a filter")
    .option("--prune", "remove the data that nothing needs any more, too");
  addPruneOptions(command);
  // restic's short -H is --keep-hourly here, so the host filter has none.
  addSnapshotFilterOptions(command, { shortHost: false })
    .addHelpText("after", examples)
    .action((ids: string[], flags: ForgetFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: ForgetFlags, context: CommandContext): Promise<void> {
  const isDryRun = flags.dryRun === true;
  context.refuseNoLock(isDryRun);
  // Looked at in any case: a slip in a flag should not wait for the run that prunes.
  const pruning = pruneOptions(flags, context);
  const options = {
    ...snapshotFilter(flags, context),
    ids,
    policy: policyOf(flags),
    groupBy: parseGroupBy(flags.groupBy),
    unsafeAllowRemoveAll: flags.unsafeAllowRemoveAll === true,
    dryRun: isDryRun,
    ...(flags.prune === true ? { prune: pruning } : {}),
    ...context.exclusiveLock({ mayGoWithout: isDryRun }),
    onIgnored: context.reportIgnored,
  };
  await context.withRepository(async (repository) => {
    const result = await forget(repository, options);
    showForget(context, result, { isDryRun, compact: flags.compact === true, isPruned: flags.prune === true });
  });
}

function policyOf(flags: ForgetFlags): KeepPolicy {
  return {
    last: keepCount(flags.keepLast, "--keep-last"),
    hourly: keepCount(flags.keepHourly, "--keep-hourly"),
    daily: keepCount(flags.keepDaily, "--keep-daily"),
    weekly: keepCount(flags.keepWeekly, "--keep-weekly"),
    monthly: keepCount(flags.keepMonthly, "--keep-monthly"),
    yearly: keepCount(flags.keepYearly, "--keep-yearly"),
    within: parseKeepDuration(flags.keepWithin ?? ""),
    withinHourly: parseKeepDuration(flags.keepWithinHourly ?? ""),
    withinDaily: parseKeepDuration(flags.keepWithinDaily ?? ""),
    withinWeekly: parseKeepDuration(flags.keepWithinWeekly ?? ""),
    withinMonthly: parseKeepDuration(flags.keepWithinMonthly ?? ""),
    withinYearly: parseKeepDuration(flags.keepWithinYearly ?? ""),
    tags: splitTags(flags.keepTag),
  };
}

/** A count; "unlimited" and, as in restic of old, -1 mean all. */
function keepCount(text: string | undefined, flag: string): number {
  if (text === undefined) return 0;
  if (text === "unlimited" || text === "-1") return -1;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${flag} ${text}: give a whole number, or unlimited`);
}
