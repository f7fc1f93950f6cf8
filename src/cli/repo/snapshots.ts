// stowage repo snapshots: lists what can be restored.
import type { Command } from "commander";
import {
  type FoundSnapshot,
  findSnapshots,
  groupSnapshots,
  parseGroupBy,
  type SnapshotGroup,
} from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import { formatTable } from "../output/table.ts";
import { positiveInteger } from "./backup.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { snapshotToJson } from "./snapshot-json.ts";
import { displayTime } from "./snapshot-time.ts";

interface SnapshotsFlags extends SnapshotFilterFlags {
  readonly latest?: string;
  readonly groupBy?: string;
  readonly compact?: boolean;
}

export function addSnapshotsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("snapshots")
    .description("list the snapshots")
    .argument("[ids...]", "only these")
    .option("--latest <n>", "only the newest n of each host and paths")
    .option("-g, --group-by <fields>", "show in groups: host, paths, tags")
    .option("-c, --compact", "one line a snapshot");
  addSnapshotFilterOptions(command).action(async (ids: string[], flags: SnapshotsFlags) => {
    await context.withLockedRepository(context.readLock, async (repository, signal) => {
      const found = await findSnapshots(repository, { ...snapshotFilter(flags), ids, signal });
      show(context, flags, latestOnly(found, positiveInteger(flags.latest, "--latest")));
    });
  });
}

/** The newest n of each host and set of paths; the order stays. */
function latestOnly(found: readonly FoundSnapshot[], count: number | undefined): readonly FoundSnapshot[] {
  if (count === undefined) return found;
  const groups = groupSnapshots(found, { host: true, paths: true, tags: false });
  const kept = new Set(groups.flatMap((group) => group.snapshots.slice(-count)));
  return found.filter((one) => kept.has(one));
}

function show(context: CommandContext, flags: SnapshotsFlags, found: readonly FoundSnapshot[]): void {
  const grouped = flags.groupBy !== undefined && flags.groupBy !== "";
  const groups = grouped ? groupSnapshots(found, parseGroupBy(flags.groupBy ?? "")) : undefined;
  const compact = flags.compact === true;
  if (context.output.isJson) context.output.result(`${JSON.stringify(toJson(found, groups))}\n`);
  else if (groups === undefined) context.output.result(snapshotTable(found, compact));
  else
    for (const group of groups)
      context.output.result(`${groupTitle(group)}\n${snapshotTable(group.snapshots, compact)}\n`);
}

function toJson(found: readonly FoundSnapshot[], groups: readonly SnapshotGroup[] | undefined): unknown {
  if (groups === undefined) return found.map(snapshotToJson);
  return groups.map((group) => ({ group_key: group.key, snapshots: group.snapshots.map(snapshotToJson) }));
}

function groupTitle({ key }: SnapshotGroup): string {
  const parts = [key.hostname === "" ? "" : `host ${key.hostname}`, ...(key.paths ?? []), ...(key.tags ?? [])];
  return `snapshots for ${parts.filter((part) => part !== "").join(", ") || "all"}:`;
}

/** The table of snapshots, oldest first. */
export function snapshotTable(found: readonly FoundSnapshot[], compact: boolean): string {
  const rows = found.map(({ id, snapshot }) => {
    const size = snapshot.summary === undefined ? "" : formatBytes(snapshot.summary.totalBytesProcessed);
    const cells = [id.slice(0, 8), displayTime(snapshot.time), snapshot.hostname];
    const tags = snapshot.tags.join(compact ? "," : "\n");
    return compact ? [...cells, tags, size] : [...cells, tags, snapshot.paths.join("\n"), size];
  });
  const head = compact ? ["ID", "Time", "Host", "Tags", "Size"] : ["ID", "Time", "Host", "Tags", "Paths", "Size"];
  return formatTable({ head, rows, right: [head.length - 1], footer: formatCount(found.length, "snapshot") });
}
