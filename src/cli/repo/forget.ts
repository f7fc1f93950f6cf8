// stowage repo forget: removes snapshots that a retention policy does not keep.
import type { Command } from "commander";
import {
  type ForgetGroup,
  type ForgetResult,
  forget,
  type KeepPolicy,
  parseGroupBy,
  parseKeepDuration,
} from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import { collect } from "./collect.ts";
import type { CommandContext } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { addPruneOptions, type PruneFlags, pruneOptions, showPrune } from "./prune.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter, splitTags } from "./snapshot-filter.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { snapshotTable } from "./snapshots.ts";

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

export function addForgetCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("forget")
    .description("remove snapshots: those named, or those that a policy does not keep")
    .argument("[ids...]", "exactly these, whatever the policy says")
    .option("-l, --keep-last <n>", "keep the newest n")
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
    .option("--prune", "remove the data that nothing needs any more, too")
    .option("--unsafe-allow-remove-all", "allow removing all snapshots; needs a filter");
  addPruneOptions(command);
  // restic's short -H is --keep-hourly here, so the host filter has none.
  addSnapshotFilterOptions(command, { shortHost: false }).action(async (ids: string[], flags: ForgetFlags) => {
    await context.withRepository(async (repository) => {
      const result = await forget(repository, {
        ...snapshotFilter(flags),
        ids,
        policy: policyOf(flags),
        groupBy: parseGroupBy(flags.groupBy),
        unsafeAllowRemoveAll: flags.unsafeAllowRemoveAll === true,
        dryRun: flags.dryRun === true,
        ...(flags.prune === true ? { prune: pruneOptions(flags, context) } : {}),
        retryLockMs: context.retryLockMs(),
        onLockWait: context.reportLockWait,
        signal: context.signal,
        onIgnored: (what, error) => context.output.warn(`ignored ${what}: ${(error as Error).message}`),
      });
      show(context, flags, result);
      if (result.failed.length > 0) context.exitCode = exitCodes.incomplete;
    });
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

/** A count; "unlimited" and -1 mean all. */
function keepCount(text: string | undefined, flag: string): number {
  if (text === undefined) return 0;
  if (text === "unlimited" || text === "-1") return -1;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${flag} ${text}: give a whole number, or unlimited`);
}

function show(context: CommandContext, flags: ForgetFlags, result: ForgetResult): void {
  const { output } = context;
  if (output.isJson) {
    if (result.groups.length > 0) output.result(`${JSON.stringify(result.groups.map(groupToJson))}\n`);
  } else {
    for (const group of result.groups) showGroup(context, group, flags.compact === true);
    const would = flags.dryRun === true ? "would be removed" : "removed";
    output.print(`${formatCount(result.remove.length - result.failed.length, "snapshot")} ${would}`);
  }
  for (const { id, error } of result.failed)
    output.warn(`could not remove snapshot ${id.slice(0, 8)}: ${(error as Error).message}`);
  if (result.prune !== undefined) showPrune(context, result.prune);
  else if (!output.isJson && result.remove.length > 0 && flags.prune !== true) {
    output.print("the data is still stored; remove what nothing needs with: stowage repo prune");
  }
}

function groupToJson(group: ForgetGroup): object {
  return {
    tags: group.key.tags,
    host: group.key.hostname,
    paths: group.key.paths,
    keep: group.keep.map(snapshotToJson),
    remove: group.remove.length === 0 ? null : group.remove.map(snapshotToJson),
    reasons: group.reasons.map(({ snapshot, matches, counters }) => ({
      snapshot: snapshotToJson(snapshot),
      matches,
      counters,
    })),
  };
}

function showGroup({ output }: CommandContext, group: ForgetGroup, compact: boolean): void {
  const name = [group.key.hostname, ...(group.key.paths ?? []), ...(group.key.tags ?? [])]
    .filter((part) => part !== "")
    .join(", ");
  output.print(`snapshots for ${name === "" ? "all" : name}:`);
  if (group.keep.length > 0)
    output.print(`keep ${formatCount(group.keep.length, "snapshot")}:\n${snapshotTable(group.keep, compact)}`);
  if (group.remove.length > 0)
    output.print(`remove ${formatCount(group.remove.length, "snapshot")}:\n${snapshotTable(group.remove, compact)}`);
}
