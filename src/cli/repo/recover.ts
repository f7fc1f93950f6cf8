// stowage repo recover: one snapshot of all directories that no snapshot leads to.
import type { Command } from "commander";
import { recover, shortId } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { StepReporter } from "../output/progress.ts";
import type { CommandContext } from "./command-context.ts";
import { describeIndexChange } from "./index-change.ts";

const about = `Find the data of snapshots that were removed by mistake, as long as no prune has followed: all directories that no
snapshot leads to become one snapshot with the tag "recovered". Each has the beginning of its id as name; look at them with
ls, restore what you need, and forget the snapshot. The index is repaired first.`;

const examples = `
Examples:
  stowage repo recover
  stowage repo ls --tag recovered latest
  stowage repo restore latest --tag recovered --target /tmp/found`;

export function addRecoverCommand(parent: Command, context: CommandContext): void {
  parent
    .command("recover")
    .summary("make a snapshot of what no snapshot leads to")
    .description(about)
    .addHelpText("after", examples)
    .action(() => run(context));
}

async function run(context: CommandContext): Promise<void> {
  const { output } = context;
  const reporter = new StepReporter(context.reporting);
  const { roots, snapshotId } = await context.withRepository((repository) =>
    recover(repository, {
      ...context.exclusiveLock({ mayGoWithout: false }),
      programVersion: `stowage ${context.version}`,
      onIndexChange: (change) => output.print(describeIndexChange(change)),
      onIgnored: context.reportIgnored,
      onProgress: (done, total) => reporter.update({ step: "directories read", done, total }),
    }),
  );
  if (output.isJson) {
    output.message({ message_type: "summary", roots_found: roots.length, snapshot_id: snapshotId ?? null });
    return;
  }
  if (snapshotId === undefined)
    return output.print("every directory belongs to a snapshot: there is nothing to recover");
  output.print(`found ${formatCount(roots.length, "root")}`);
  output.print(`saved new snapshot ${shortId(snapshotId)}`);
}
