// stowage repo repair snapshots: makes whole snapshots of damaged ones, without what is lost.
import type { Command } from "commander";
import { repairSnapshots, type SnapshotRepair, shortId, type TreeDamage } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { printable } from "../output/terminal-text.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface RepairSnapshotsFlags extends SnapshotFilterFlags {
  readonly forget?: boolean;
  readonly dryRun?: boolean;
}

const about = `Make whole snapshots of damaged ones, without what is lost: files lose the pieces that are gone, a directory
that cannot be read becomes empty, and a snapshot whose root cannot be read is removed. This gives data up. Run "repair
index" and "repair packs" first, and back up what is still there: that stores missing pieces anew, and heals old snapshots.`;

const examples = `
Examples:
  stowage repo repair snapshots --dry-run       what is damaged
  stowage repo repair snapshots --forget        repair all, and remove the damaged ones
  stowage repo repair snapshots 79766175        repair one; it gets the tag "repaired", and the damaged one stays`;

export function addRepairSnapshotsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("snapshots")
    .summary("give up what is lost, so that snapshots are whole again")
    .description(about)
    .argument("[ids...]", "only these snapshots")
    .option("--forget", "remove the damaged snapshots")
    .option("-n, --dry-run", "show what would be done");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((ids: string[], flags: RepairSnapshotsFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: RepairSnapshotsFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  const dryRun = flags.dryRun === true;
  const repairs = await context.withRepository((repository) =>
    repairSnapshots(repository, {
      ...snapshotFilter(flags, context),
      ids,
      forget: flags.forget === true,
      dryRun,
      ...context.exclusiveLock({ mayGoWithout: dryRun }),
      onIgnored: context.reportIgnored,
      onDamage: (id, damage) => output.print(`snapshot ${shortId(id)}: ${describeDamage(damage)}`),
      onRepaired: (repair) => showRepair(repair, context, dryRun),
    }),
  );
  if (output.isJson) output.message({ message_type: "summary", dry_run: dryRun, changed_snapshots: repairs.length });
  else if (repairs.length === 0) output.print("no snapshot is damaged");
  else output.print(`${dryRun ? "would repair" : "repaired"} ${formatCount(repairs.length, "snapshot")}`);
}

/** The words behind "snapshot 79766175: ". */
function describeDamage(damage: TreeDamage): string {
  const path = `"${printable(damage.path.toString())}"`;
  switch (damage.kind) {
    case "file-shortened":
      return `file ${path} loses ${damage.lostBlobs} of ${formatCount(damage.blobs, "piece")}`;
    case "file-size":
      return `file ${path} has ${damage.expectedBytes} bytes, not ${damage.sizeBytes}`;
    case "node-removed":
      return `entry ${path} goes: ${damage.reason}`;
    case "tree-lost":
      return `directory ${path} becomes empty: ${damage.message}`;
  }
}

function showRepair({ oldId, newId, isEmpty }: SnapshotRepair, { output }: CommandContext, dryRun: boolean): void {
  if (output.isJson) {
    output.message({ message_type: "changed", old_snapshot_id: oldId, new_snapshot_id: newId ?? null });
  } else if (isEmpty) {
    output.print(`snapshot ${shortId(oldId)} ${dryRun ? "would be" : "was"} removed: nothing of it can be read`);
  } else if (newId !== undefined) {
    output.print(`snapshot ${shortId(oldId)} is now ${shortId(newId)}`);
  }
}
