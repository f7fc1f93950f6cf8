// stowage repo diff: shows what changed from one snapshot to another.
import type { Command } from "commander";
import {
  type DiffCounts,
  type DiffOptions,
  type DiffStatistics,
  diff,
  findTree,
  resolveSnapshot,
  type SnapshotChange,
} from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatBytes } from "../output/format-values.ts";
import { printable } from "../output/terminal-text.ts";
import type { CommandContext } from "./command-context.ts";
import { shownName } from "./ls-writers.ts";

interface DiffFlags {
  readonly metadata?: boolean;
}

const about = `Show what changed from the first snapshot to the second, an entry a line: + added, - removed, M the content of
a file changed, T it became something else (a file a symlink), U only its metadata changed (--metadata). M? means that the
content changed while size, times and all other metadata stayed: a sign of a failing disk. Then sums: entries, and the blobs
that only one of the two needs.`;

const examples = `
Examples:
  stowage repo diff 79766175 latest
  stowage repo diff 79766175:/home/ann 590c8fc8:/home/ann
  stowage repo diff --metadata --json 79766175 590c8fc8`;

export function addDiffCommand(parent: Command, context: CommandContext): void {
  parent
    .command("diff")
    .summary("show what changed between two snapshots")
    .description(about)
    .argument("<before[:folder]>", "the older one: id, unique beginning of an id, or latest")
    .argument("<after[:folder]>", "the newer one; after a colon a folder of it")
    .option("--metadata", "also show entries of which only mode, owner, times or the like changed")
    .addHelpText("after", examples)
    .action((before: string, after: string, flags: DiffFlags) => run([before, after], flags, context));
}

async function run(names: readonly [string, string], flags: DiffFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  await context.withLockedRepository(context.readLock, async (repository, signal) => {
    const before = await resolveSnapshot(repository, names[0], { signal });
    const after = await resolveSnapshot(repository, names[1], { signal });
    output.print(`comparing snapshot ${before.id.slice(0, 8)} to ${after.id.slice(0, 8)}:\n`);
    await repository.refreshIndex(signal);
    const left = await findTree(repository, before.snapshot.tree, before.subfolder, signal);
    const right = await findTree(repository, after.snapshot.tree, after.subfolder, signal);
    const options = diffOptions(flags, context);
    const statistics = await diff(repository, left, right, { ...options, signal });
    if (output.isJson) output.message(statisticsMessage(names, statistics));
    else output.result(statisticsText(statistics));
  });
}

function diffOptions(flags: DiffFlags, context: CommandContext): DiffOptions {
  const { output } = context;
  return {
    metadata: flags.metadata === true,
    onChange: async (change) => {
      if (output.isQuiet) return;
      show(change, context);
      await output.ready();
    },
    onError: (error) => {
      output.warn(`error: ${printable(error.message)}`);
      context.fail(exitCodes.failure, "Fatal: the comparison is incomplete\n  next: stowage repo check");
    },
  };
}

function show({ path, modifier }: SnapshotChange, { output }: CommandContext): void {
  if (output.isJson) output.message({ message_type: "change", path: path.toString("utf8"), modifier });
  else {
    const name = shownName(path, output.isTerminal);
    output.result(Buffer.concat([Buffer.from(modifier.padEnd(5)), name, Buffer.from("\n")]));
  }
}

/** restic's keys. */
function statisticsMessage(
  [source, target]: readonly [string, string],
  { changedFiles, added, removed }: DiffStatistics,
): object {
  return {
    message_type: "statistics",
    source_snapshot: source,
    target_snapshot: target,
    changed_files: changedFiles,
    added: countsMessage(added),
    removed: countsMessage(removed),
  };
}

function countsMessage({ files, dirs, others, dataBlobs, treeBlobs, bytes }: DiffCounts): object {
  return { files, dirs, others, data_blobs: dataBlobs, tree_blobs: treeBlobs, bytes };
}

/** In restic's columns, which scripts take apart. */
function statisticsText({ changedFiles, added, removed }: DiffStatistics): string {
  const row = (title: string, fresh: number, gone: number): string =>
    `${`${title}:`.padEnd(12)} ${String(fresh).padStart(5)} new, ${String(gone).padStart(5)} removed`;
  return [
    "",
    `${row("Files", added.files, removed.files)}, ${String(changedFiles).padStart(5)} changed`,
    row("Dirs", added.dirs, removed.dirs),
    row("Others", added.others, removed.others),
    row("Data Blobs", added.dataBlobs, removed.dataBlobs),
    row("Tree Blobs", added.treeBlobs, removed.treeBlobs),
    `  Added:   ${formatBytes(added.bytes).padEnd(5)}`,
    `  Removed: ${formatBytes(removed.bytes).padEnd(5)}`,
    "",
  ].join("\n");
}
