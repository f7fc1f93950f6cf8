// stowage repo tag: changes the tags of snapshots.
import type { Command } from "commander";
import { tagSnapshots } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { collect } from "./collect.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter, splitTags } from "./snapshot-filter.ts";

interface TagFlags extends SnapshotFilterFlags {
  readonly set?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

export function addTagCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("tag")
    .description("change the tags of snapshots; each changed snapshot gets a new id")
    .argument("[ids...]", "only these snapshots")
    .option("--set <tags>", "the tags from now on; empty to remove all", collect)
    .option("--add <tags>", "tags to add", collect)
    .option("--remove <tags>", "tags to remove", collect);
  addSnapshotFilterOptions(command).action(async (ids: string[], flags: TagFlags) => {
    const { output } = context;
    await context.withRepository(async (repository) => {
      const changes = await tagSnapshots(repository, {
        ...snapshotFilter(flags),
        ids,
        ...(flags.set === undefined ? {} : { set: splitTags(flags.set).flat() }),
        add: splitTags(flags.add).flat(),
        remove: splitTags(flags.remove).flat(),
        retryLockMs: context.retryLockMs(),
        onLockWait: context.reportLockWait,
        signal: context.signal,
        onIgnored: (what, error) => output.warn(`ignored ${what}: ${(error as Error).message}`),
        onChanged: ({ oldId, newId }) => {
          if (output.isJson)
            output.message({ message_type: "changed", old_snapshot_id: oldId, new_snapshot_id: newId });
          else output.print(`snapshot ${oldId.slice(0, 8)} is now ${newId.slice(0, 8)}`);
        },
      });
      if (output.isJson) output.message({ message_type: "summary", changed_snapshots: changes.length });
      else
        output.print(
          changes.length === 0
            ? "no snapshots were changed"
            : `changed the tags of ${formatCount(changes.length, "snapshot")}`,
        );
    });
  });
}
