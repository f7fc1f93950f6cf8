// stowage repo snapshots: lists what can be restored.
import { type Command, Option } from "commander";
import {
  type FoundSnapshot,
  findSnapshots,
  groupSnapshots,
  parseGroupBy,
  type SnapshotGroup,
} from "../../../repo-format/index.ts";
import type { CommandContext } from "./command-context.ts";
import { positiveInteger } from "./flag-values.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { groupTitle, snapshotTable } from "./snapshot-table.ts";

interface SnapshotsFlags extends SnapshotFilterFlags {
  readonly latest?: string;
  readonly last?: boolean;
  readonly groupBy?: string;
  readonly compact?: boolean;
}

const about = `List the snapshots, oldest first. Each is complete: any one can be restored, or removed, without the others.
The size is what a restore writes, not what the snapshot takes in the repository.`;

const examples = `
Examples:
  stowage repo snapshots --tag nightly --latest 3
  stowage repo snapshots --group-by host --compact
  stowage repo snapshots latest --json`;

export function addSnapshotsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("snapshots")
    .summary("list the snapshots")
    .description(about)
    .argument("[ids...]", "only these: ids, unique beginnings of ids, or latest")
    .option("--latest <n>", "only the newest n of each host and paths, or of each group")
    .option("-g, --group-by <fields>", "show in groups: host, paths, tags")
    .option("-c, --compact", "one line a snapshot")
    .addOption(new Option("--last", "restic's old name of --latest 1").hideHelp());
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action(async (ids: string[], flags: SnapshotsFlags) => {
      // As in restic, none at all is no limit.
      const given = flags.latest === "0" ? undefined : positiveInteger(flags.latest, "--latest");
      const latest = flags.last === true ? 1 : given;
      const groupBy = flags.groupBy === undefined ? undefined : parseGroupBy(flags.groupBy);
      const isGrouped = groupBy !== undefined && (groupBy.host || groupBy.paths || groupBy.tags);
      await context.withLockedRepository(context.readLock, async (repository, signal) => {
        const filter = snapshotFilter(flags, context);
        const found = await findSnapshots(repository, { ...filter, ids, signal, onIgnored: context.reportIgnored });
        const groups = isGrouped ? groupSnapshots(found, groupBy) : undefined;
        if (groups === undefined) show(context, newestOf(found, latest), flags.compact === true);
        else showGroups(context, groups.map(newestOfGroup(latest)), flags.compact === true);
      });
    });
}

/** The newest n of each host and set of paths; the order stays. */
function newestOf(found: readonly FoundSnapshot[], count: number | undefined): readonly FoundSnapshot[] {
  if (count === undefined) return found;
  const groups = groupSnapshots(found, { host: true, paths: true, tags: false });
  const kept = new Set(groups.flatMap((group) => group.snapshots.slice(-count)));
  return found.filter((one) => kept.has(one));
}

function newestOfGroup(count: number | undefined): (group: SnapshotGroup) => SnapshotGroup {
  return ({ key, snapshots }) => ({ key, snapshots: count === undefined ? snapshots : snapshots.slice(-count) });
}

function show({ output }: CommandContext, found: readonly FoundSnapshot[], compact: boolean): void {
  if (output.isJson) output.result(`${JSON.stringify(found.map(snapshotToJson))}\n`);
  else output.result(snapshotTable(found, { compact }));
}

function showGroups({ output }: CommandContext, groups: readonly SnapshotGroup[], compact: boolean): void {
  if (output.isJson) {
    const list = groups.map(({ key, snapshots }) => ({ group_key: key, snapshots: snapshots.map(snapshotToJson) }));
    output.result(`${JSON.stringify(list)}\n`);
    return;
  }
  for (const { key, snapshots } of groups)
    output.result(`snapshots for ${groupTitle(key)}:\n${snapshotTable(snapshots, { compact })}\n`);
}
