// stowage repo tag: changes the tags of snapshots.
import type { Command } from "commander";
import { tagSnapshots } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./flag-values.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter, tagNames } from "./snapshot-filter.ts";

interface TagFlags extends SnapshotFilterFlags {
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

const about = `Change the tags of snapshots: of those that are named, or of all that the filters choose. A snapshot file
never changes: it is stored anew, so that each changed snapshot gets a new id and remembers its first one.`;

const examples = `
Examples:
  stowage repo tag --add keep latest
  stowage repo tag --tag nightly --host web1 --remove nightly
  stowage repo tag --set "" 79766175             removes all tags`;

export function addTagCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("tag")
    .summary("change the tags of snapshots; each changed snapshot gets a new id")
    .description(about)
    .argument("[ids...]", "only these snapshots")
    .option("--set <tags>", "the tags from now on; empty to remove all", collect)
    .option("--add <tags>", "tags to add", collect)
    .option("--remove <tags>", "tags to remove", collect);
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((ids: string[], flags: TagFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: TagFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  if (flags.set === undefined && flags.add === undefined && flags.remove === undefined)
    throw new UsageError("nothing to do: give --set, --add or --remove");
  const changes = await context.withRepository((repository) =>
    tagSnapshots(repository, {
      ...snapshotFilter(flags, context),
      ids,
      ...(flags.set === undefined ? {} : { set: tagNames(flags.set) }),
      add: tagNames(flags.add),
      remove: tagNames(flags.remove),
      ...context.exclusiveLock({ mayGoWithout: false }),
      onIgnored: context.reportIgnored,
      onChanged: ({ oldId, newId }) => {
        if (output.isJson) output.message({ message_type: "changed", old_snapshot_id: oldId, new_snapshot_id: newId });
        else if (output.verbosity > 0) output.print(`snapshot ${oldId.slice(0, 8)} is now ${newId.slice(0, 8)}`);
      },
    }),
  );
  if (output.isJson) output.message({ message_type: "summary", changed_snapshots: changes.length });
  else if (changes.length === 0) output.print("no snapshots were modified");
  else output.print(`modified ${formatCount(changes.length, "snapshot")}`);
}
