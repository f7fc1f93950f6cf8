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
import { omitEmpty } from "../output/json-message.ts";
import { StepReporter } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface StatsFlags extends SnapshotFilterFlags {
  readonly mode: string;
}

const about = `Count what snapshots take, all of them or those that are chosen. The mode says what is counted:
restore-size: what restoring each would write; files-by-contents: each different file once; raw-data: the stored data,
each piece once, and what compression saves; blobs-per-file: each piece of data once for each file.`;

const examples = `
Examples:
  stowage repo stats latest
  stowage repo stats --mode raw-data            what the repository's data takes in the store
  stowage repo stats --host web1 --json`;

export function addStatsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("stats")
    .summary("count what snapshots take")
    .description(about)
    .argument("[ids...]", "only these snapshots")
    .option("--mode <mode>", statsModes.join(", "), "restore-size");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((ids: string[], flags: StatsFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: StatsFlags, context: CommandContext): Promise<void> {
  const mode = statsModes.find((name) => name === flags.mode);
  if (mode === undefined) throw new UsageError(`--mode ${flags.mode}: choose ${statsModes.join(", ")}`);
  await context.withLockedRepository(context.readLock, async (repository, signal) => {
    const filter = snapshotFilter(flags, context);
    const found = await findSnapshots(repository, { ...filter, ids, signal, onIgnored: context.reportIgnored });
    await repository.refreshIndex(signal);
    const reporter = new StepReporter(context.reporting);
    const stats = await collectStats(repository, found, {
      mode,
      signal,
      onProgress: ({ snapshotsDone, snapshots }) =>
        reporter.update({ step: "snapshots", done: snapshotsDone, total: snapshots }),
    });
    if (context.output.isJson) context.output.result(`${JSON.stringify(toJson(stats, mode))}\n`);
    else show(context, stats, mode);
  });
}

function toJson(stats: RepositoryStats, mode: StatsMode): object {
  const raw = {
    total_uncompressed_size: stats.totalUncompressedSize,
    compression_ratio: stats.compressionRatio,
    compression_progress: stats.compressionProgress,
    compression_space_saving: stats.compressionSpaceSaving,
  };
  return {
    total_size: stats.totalSize,
    ...(mode === "raw-data" ? omitEmpty(raw) : {}),
    ...omitEmpty({ total_file_count: stats.totalFileCount, total_blob_count: stats.totalBlobCount }),
    snapshots_count: stats.snapshotsCount,
  };
}

function show({ output }: CommandContext, stats: RepositoryStats, mode: StatsMode): void {
  output.print(`Stats in ${mode} mode:`);
  const line = (name: string, value: string): void => output.result(`${name.padStart(24)}:  ${value}\n`);
  line("Snapshots processed", String(stats.snapshotsCount));
  if (stats.totalBlobCount > 0) line("Total Blob Count", String(stats.totalBlobCount));
  if (stats.totalFileCount > 0) line("Total File Count", String(stats.totalFileCount));
  if (stats.totalUncompressedSize > 0) {
    line("Total Uncompressed Size", formatBytes(stats.totalUncompressedSize));
    line("Compression Progress", `${stats.compressionProgress.toFixed(2)}%`);
    line("Compression Ratio", `${stats.compressionRatio.toFixed(2)}x`);
    line("Compression Space Saving", `${stats.compressionSpaceSaving.toFixed(2)}%`);
  }
  line("Total Size", formatBytes(stats.totalSize));
}
