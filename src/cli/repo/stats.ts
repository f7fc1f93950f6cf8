// stowage repo stats: how much the snapshots take.
import type { Command } from "commander";
import {
  collectStats,
  findSnapshots,
  type RepositoryStats,
  type StatsMode,
  statsModes,
} from "../../../repo-format/index.ts";
import { formatBytes } from "../output/format-values.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface StatsFlags extends SnapshotFilterFlags {
  readonly mode: string;
}

export function addStatsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("stats")
    .description("count what snapshots take")
    .argument("[ids...]", "only these snapshots")
    .option("--mode <mode>", statsModes.join(", "), "restore-size");
  addSnapshotFilterOptions(command).action(async (ids: string[], flags: StatsFlags) => {
    const mode = statsModes.find((name) => name === flags.mode);
    if (mode === undefined) throw new UsageError(`--mode ${flags.mode}: choose ${statsModes.join(", ")}`);
    await context.withLockedRepository(context.readLock, async (repository, signal) => {
      const found = await findSnapshots(repository, { ...snapshotFilter(flags), ids, signal });
      await repository.refreshIndex(signal);
      const stats = await collectStats(repository, found, { mode, signal });
      if (context.output.isJson) context.output.result(`${JSON.stringify(toJson(stats, mode))}\n`);
      else show(context, stats, mode);
    });
  });
}

function toJson(stats: RepositoryStats, mode: StatsMode): object {
  const raw = {
    total_uncompressed_size: stats.totalUncompressedSize,
    compression_ratio: stats.compressionRatio,
    compression_progress: stats.compressionProgress,
    compression_space_saving: stats.compressionSpaceSaving,
  };
  const filled = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== 0));
  return {
    total_size: stats.totalSize,
    ...(mode === "raw-data" ? filled : {}),
    ...(stats.totalBlobCount > 0 ? { total_blob_count: stats.totalBlobCount } : {}),
    ...(stats.totalFileCount > 0 ? { total_file_count: stats.totalFileCount } : {}),
    snapshots_count: stats.snapshotsCount,
  };
}

function show({ output }: CommandContext, stats: RepositoryStats, mode: StatsMode): void {
  output.print(`stats in ${mode} mode:`);
  output.print(`  snapshots:          ${stats.snapshotsCount}`);
  if (stats.totalBlobCount > 0) output.print(`  blobs:              ${stats.totalBlobCount}`);
  if (stats.totalFileCount > 0) output.print(`  files:              ${stats.totalFileCount}`);
  if (stats.totalUncompressedSize > 0) {
    output.print(`  uncompressed size:  ${formatBytes(stats.totalUncompressedSize)}`);
    output.print(`  compressed:         ${stats.compressionProgress.toFixed(2)}%`);
    output.print(`  compression ratio:  ${stats.compressionRatio.toFixed(2)}x`);
    output.print(`  space saved:        ${stats.compressionSpaceSaving.toFixed(2)}%`);
  }
  output.print(`  total size:         ${formatBytes(stats.totalSize)}`);
}
