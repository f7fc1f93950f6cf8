// What `forget` did, or would do: restic's JSON, or tables with the reasons for keeping.
import type { ForgetGroup, ForgetResult } from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";
import { showPrune } from "./prune-report.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { groupTitle, snapshotTable } from "./snapshot-table.ts";

export interface ForgetManner {
  readonly isDryRun: boolean;
  readonly compact: boolean;
  /** --prune was given; it runs only when something was removed. */
  readonly isPruned: boolean;
}

export function showForget(context: CommandContext, result: ForgetResult, manner: ForgetManner): void {
  const { output } = context;
  if (!output.isJson) showInWords(context, result, manner);
  else if (result.groups.length > 0) output.result(`${JSON.stringify(result.groups.map(groupToJson))}\n`);
  for (const { id, error } of result.failed) {
    const reason = error instanceof Error ? error.message : String(error);
    output.warn(`could not remove snapshot ${id.slice(0, 8)}: ${reason}`);
  }
  if (result.failed.length > 0)
    context.fail(exitCodes.incomplete, `Fatal: ${formatCount(result.failed.length, "snapshot")} could not be removed`);
  if (result.prune !== undefined) showPrune(context, result.prune);
}

function showInWords({ output }: CommandContext, result: ForgetResult, manner: ForgetManner): void {
  for (const group of result.groups) {
    output.print(`snapshots for ${groupTitle(group.key)}:\n`);
    const reasons = new Map(group.reasons.map(({ snapshot, matches }) => [snapshot.id as string, matches]));
    if (group.keep.length > 0)
      output.print(
        `keep ${formatCount(group.keep.length, "snapshot")}:\n${snapshotTable(group.keep, { ...manner, reasons })}`,
      );
    if (group.remove.length > 0)
      output.print(`remove ${formatCount(group.remove.length, "snapshot")}:\n${snapshotTable(group.remove, manner)}`);
  }
  const count = result.remove.length - result.failed.length;
  output.print(`${formatCount(count, "snapshot")} ${manner.isDryRun ? "would be removed" : "removed"}`);
  if (count > 0 && !manner.isDryRun && !manner.isPruned)
    output.print("next: stowage repo prune, which removes the data that nothing needs any more");
}

function groupToJson(group: ForgetGroup): object {
  return {
    tags: group.key.tags,
    host: group.key.hostname,
    paths: group.key.paths,
    keep: listOrNull(group.keep.map(snapshotToJson)),
    remove: listOrNull(group.remove.map(snapshotToJson)),
    reasons: listOrNull(
      group.reasons.map(({ snapshot, matches }) => ({ snapshot: snapshotToJson(snapshot), matches })),
    ),
  };
}

/** Go's encoder writes a list that was never filled as null. */
function listOrNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
