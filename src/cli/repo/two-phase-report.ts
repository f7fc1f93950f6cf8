// What a two-phase prune did, or would do, and what is marked: as JSON, or in words.
import type { DeletionResult, PendingDeletion, TwoPhasePruneResult } from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";
import { showPrune } from "./prune-report.ts";

/** @param waitMs how long packs stay marked. */
export function showTwoPhasePrune(context: CommandContext, result: TwoPhasePruneResult, waitMs: number): void {
  const { foreignTrace, prune, deletion, pending, isDryRun } = result;
  if (foreignTrace !== undefined) {
    context.output.warn(
      `the exclusive lock ${isDryRun ? "would be" : "was"} taken for the whole prune: ${foreignTrace}`,
      {
        message_type: "exclusive_prune",
        reason: foreignTrace,
      },
    );
  }
  if (deletion !== undefined) showDeletion(context, deletion);
  if (prune !== undefined) showPrune(context, prune);
  showPending(context, pending, waitMs);
}

function showDeletion({ output }: CommandContext, { mark, outcome, deletedPacks, sparedPacks }: DeletionResult): void {
  if (output.isJson) {
    const packs = { deleted_packs: deletedPacks, spared_packs: sparedPacks };
    output.message({ message_type: "marked_packs", mark: mark.id, outcome, ...packs });
    return;
  }
  const lines = {
    deleted: `deleted ${formatCount(deletedPacks, "marked pack")}; ${sparedPacks} are needed again and stay`,
    outdated:
      "somebody else has changed the index since packs were marked: nothing was deleted, and the plan is made anew",
    gone: "somebody else has done what was marked",
  };
  output.print(lines[outcome]);
}

/** What waits, and from when on a run deletes it. */
export function showPending({ output }: CommandContext, pending: readonly PendingDeletion[], waitMs: number): void {
  for (const { id, packs, packBytes, markedMs } of pending) {
    const due = new Date(markedMs + waitMs);
    if (output.isJson) {
      const times = { time: new Date(markedMs).toISOString(), may_be_deleted: due.toISOString() };
      output.message({ message_type: "pending_deletion", mark: id, ...times, packs, bytes: packBytes });
    } else {
      const when = `${due.toISOString().slice(0, 19).replace("T", " ")} UTC`;
      output.print(
        `marked:      ${formatCount(packs, "pack")}, ${formatBytes(packBytes)}; deleted by a run after ${when}`,
      );
    }
  }
}
