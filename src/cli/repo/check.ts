// stowage repo check: is the repository sound?
import type { Command } from "commander";
import {
  type CheckOptions,
  type CheckResult,
  check,
  type Finding,
  parseDataSubset,
} from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface CheckFlags extends SnapshotFilterFlags {
  readonly readData?: boolean;
  readonly readDataSubset?: string;
  readonly checkUnused?: boolean;
}

export function addCheckCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("check")
    .description("look for damage in the repository")
    .argument("[ids...]", "only these snapshots and what they need")
    .option("--read-data", "read and verify all stored data, too")
    .option("--read-data-subset <part>", "a part of it: n/t, a share like 2.5%, or a size like 10G")
    .option("--check-unused", "report data that no snapshot needs as an error")
    .option("--with-cache", "accepted for restic's sake: a check reads everything from the store");
  addSnapshotFilterOptions(command).action(async (ids: string[], flags: CheckFlags) => {
    const { output } = context;
    const result = await context.withRepository((repository) => {
      output.print(`checking repository ${repository.id.slice(0, 10)}`);
      return check(repository, checkOptions(ids, flags, context));
    });
    report(context, result);
    if (!result.isSound) context.exitCode = exitCodes.failure;
  });
}

function checkOptions(ids: readonly string[], flags: CheckFlags, context: CommandContext): CheckOptions {
  if (flags.readData === true && flags.readDataSubset !== undefined) {
    throw new UsageError("--read-data and --read-data-subset exclude each other");
  }
  const subset = flags.readDataSubset === undefined ? undefined : parseDataSubset(flags.readDataSubset);
  const readData = flags.readData === true ? { kind: "all" as const } : subset;
  return {
    ...snapshotFilter(flags),
    ids,
    ...(readData === undefined ? {} : { readData }),
    findUnused: flags.checkUnused === true,
    lock: context.flags.lock,
    retryLockMs: context.retryLockMs(),
    onLockWait: context.reportLockWait,
    signal: context.signal,
    onFinding: (finding) => reportFinding(context, finding),
    onProgress: ({ step, done, total }) => context.output.status([`${step}: ${done} / ${total}`]),
  };
}

function reportFinding({ output }: CommandContext, finding: Finding): void {
  if (finding.severity === "error") {
    output.warn(`error: ${finding.message}`, { message_type: "error", message: finding.message, code: finding.code });
  } else {
    output.print(`${finding.severity}: ${finding.message}`);
  }
}

function report({ output }: CommandContext, result: CheckResult): void {
  if (output.isJson) {
    output.message({
      message_type: "summary",
      num_errors: result.counts.error,
      broken_packs: result.brokenPacks.length === 0 ? null : result.brokenPacks,
      suggest_repair_index: result.suggestRepairIndex,
      suggest_prune: result.suggestPrune,
    });
    return;
  }
  if (result.suggestRepairIndex) output.print("next: restic repair index");
  if (result.brokenPacks.length > 0)
    output.print(`next: restic repair packs ${result.brokenPacks.join(" ")}, then restic repair snapshots --forget`);
  if (result.suggestPrune) output.print("next: stowage repo prune");
  if (result.isSound) output.print("no errors were found");
  else output.warn(`the repository is damaged: ${formatCount(result.counts.error, "error")}`);
}
