// stowage repo check: is the repository sound?
import type { Command } from "commander";
import {
  type CheckOptions,
  type CheckResult,
  check,
  type Finding,
  parseDataSubset,
} from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatCount } from "../output/format-values.ts";
import { StepReporter } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { threadCount } from "./flag-values.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface CheckFlags extends SnapshotFilterFlags {
  readonly readData?: boolean;
  readonly readDataSubset?: string;
  readonly checkUnused?: boolean;
}

const about = `Look for damage: the index, that all packs are there and have their size, and all directories of all
snapshots. The stored data itself is only read with --read-data or --read-data-subset, because that costs as much as
restoring everything. Nothing is changed. Others wait meanwhile: a check takes the exclusive lock, as restic's does.`;

const examples = `
Examples:
  stowage repo check
  stowage repo check --read-data-subset 3/7        the third seventh of all data, for a check on each day of a week
  stowage repo check --read-data-subset 5% --no-lock

Ends with 1 when there is damage, and says what to do about it.`;

const steps = { index: "index files", snapshots: "snapshots", data: "packs read" } as const;

export function addCheckCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("check")
    .summary("look for damage in the repository")
    .description(about)
    .argument("[ids...]", "only these snapshots and what they need")
    .option("--read-data", "read and verify all stored data, too")
    .option("--read-data-subset <part>", "a part of it: n/t, a share like 2.5%, or a size like 10G")
    .option("--check-unused", "report data that no snapshot needs as an error")
    .option("--with-cache", "accepted for restic's sake: a check reads everything from the store");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action(async (ids: string[], flags: CheckFlags) => {
      const options = checkOptions(ids, flags, context);
      report(context, await lookForDamage(context, options));
    });
}

async function lookForDamage(context: CommandContext, options: CheckOptions): Promise<CheckResult> {
  const { output, signal } = context;
  try {
    return await context.withRepository((repository) => {
      output.print(`checking repository ${repository.id.slice(0, 10)}`);
      return check(repository, options);
    });
  } catch (error) {
    // As in restic, who reads the summary learns of a repository that cannot be opened, too.
    const nothingFound = { brokenPacks: [], suggestRepairIndex: false, suggestPrune: false };
    if (output.isJson && !signal.aborted) output.message(summaryOf({ ...nothingFound, counts: { error: 1 } }));
    throw error;
  }
}

function checkOptions(ids: readonly string[], flags: CheckFlags, context: CommandContext): CheckOptions {
  if (flags.readData === true && flags.readDataSubset !== undefined) {
    throw new UsageError("--read-data and --read-data-subset exclude each other");
  }
  const subset = flags.readDataSubset === undefined ? undefined : parseDataSubset(flags.readDataSubset);
  const readData = flags.readData === true ? { kind: "all" as const } : subset;
  const reporter = new StepReporter(context.reporting);
  return {
    ...snapshotFilter(flags, context),
    ids,
    ...(readData === undefined ? {} : { readData }),
    findUnused: flags.checkUnused === true,
    threads: threadCount(context.environment),
    ...context.exclusiveLock({ mayGoWithout: true }),
    onFinding: (finding) => reportFinding(context, finding),
    onProgress: ({ step, done, total }) => reporter.update({ step: steps[step], done, total }),
  };
}

function reportFinding({ output }: CommandContext, finding: Finding): void {
  if (finding.severity === "error") {
    output.warn(`error: ${finding.message}`, { message_type: "error", message: finding.message, code: finding.code });
  } else if (finding.severity === "warning" || output.verbosity > 0) {
    output.print(`${finding.severity}: ${finding.message}`);
  }
}

function report(context: CommandContext, result: CheckResult): void {
  const { output } = context;
  if (output.isJson) output.message(summaryOf(result));
  const advice = adviceOf(result);
  if (result.isSound) {
    for (const line of advice) output.print(`next: ${line}`);
    output.print("no errors were found");
    return;
  }
  const steps = advice.map((line) => `\n  next: ${line}`).join("");
  const errors = formatCount(result.counts.error, "error");
  context.fail(exitCodes.failure, `Fatal: the repository contains errors: ${errors} found${steps}`);
}

type Summarised = Pick<CheckResult, "brokenPacks" | "suggestRepairIndex" | "suggestPrune"> & {
  readonly counts: Pick<CheckResult["counts"], "error">;
};

function summaryOf({ counts, brokenPacks, suggestRepairIndex, suggestPrune }: Summarised): object {
  return {
    message_type: "summary",
    num_errors: counts.error,
    broken_packs: brokenPacks.length === 0 ? null : brokenPacks,
    suggest_repair_index: suggestRepairIndex,
    suggest_prune: suggestPrune,
  };
}

/** What is to be done, in this order. */
function adviceOf({ suggestRepairIndex, brokenPacks, suggestPrune, isSound, counts }: CheckResult): string[] {
  const isBroken = brokenPacks.length > 0;
  return [
    ...(isSound ? [] : ["copy the repository before you repair it"]),
    ...(suggestRepairIndex || (!isSound && !isBroken) ? ["stowage repo repair index"] : []),
    ...(isBroken ? [`stowage repo repair packs ${brokenPacks.join(" ")}`] : []),
    ...(isSound ? [] : ["stowage repo backup of what is still there, which stores missing data again"]),
    ...(counts.error > 0 ? ["stowage repo repair snapshots --forget, for what stays lost"] : []),
    ...(suggestPrune && isSound ? ["stowage repo prune, when it suits: some files are of no use"] : []),
  ];
}
