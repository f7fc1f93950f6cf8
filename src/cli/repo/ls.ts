// stowage repo ls: lists the files of a snapshot.
import type { Command } from "commander";
import { findTree, type ListedNode, ls, resolveSnapshot } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { inOrder, parseSortOrder } from "./ls-order.ts";
import { type LsWriter, lsWriter } from "./ls-writers.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface LsFlags extends SnapshotFilterFlags {
  readonly long?: boolean;
  readonly recursive?: boolean;
  readonly humanReadable?: boolean;
  readonly ncdu?: boolean;
  readonly sort: string;
  readonly reverse?: boolean;
}

const about = `List the files of a snapshot: all of them, or with directories only these and what lies directly in them
(--recursive: all that is below them).`;

const examples = `
Examples:
  stowage repo ls latest /etc
  stowage repo ls 79766175:/home/ann --long --human-readable --sort size --reverse
  stowage repo ls latest --ncdu | ncdu -f -`;

export function addLsCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("ls")
    .summary("list the files of a snapshot")
    .description(about)
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .argument("[dirs...]", "absolute paths in the snapshot to list")
    .option("-l, --long", "with mode, owner, size and time")
    .option("--recursive", "with dirs: all that is below them")
    .option("--human-readable", "with --long: sizes with a unit")
    .option("-s, --sort <order>", "name, size, time (or mtime), atime, ctime, extension", "name")
    .option("--reverse", "in the opposite order")
    .option("--ncdu", "in the export format of ncdu");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((name: string, dirs: string[], flags: LsFlags) => list(name, dirs, flags, context));
}

async function list(name: string, dirs: readonly string[], flags: LsFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  const order = parseSortOrder(flags.sort);
  const isPlain = order === "name" && flags.reverse !== true;
  if (flags.ncdu === true && (output.isJson || !isPlain))
    throw new UsageError("--ncdu goes with none of --json, --sort and --reverse");
  const relative = dirs.find((dir) => !dir.startsWith("/"));
  if (relative !== undefined)
    throw new UsageError(`ls ${relative}: name directories of the snapshot from its root, "/"`);
  const writer = lsWriter(output, flags);
  await context.withLockedRepository(context.readLock, async (repository, signal) => {
    const found = await resolveSnapshot(repository, name, { ...snapshotFilter(flags, context), signal });
    await repository.refreshIndex(signal);
    const tree = await findTree(repository, found.snapshot.tree, found.subfolder, signal);
    // As in restic, the tree that is named is the one that is listed.
    writer.begin({ id: found.id, snapshot: { ...found.snapshot, tree } }, dirs);
    const nodes = ls(repository, tree, { dirs, recursive: flags.recursive === true, signal });
    if (isPlain) await write(nodes, writer, context);
    else await write(inOrder(await Array.fromAsync(nodes), order, flags.reverse === true), writer, context);
    writer.end();
  });
}

async function write(
  nodes: AsyncIterable<ListedNode> | Iterable<ListedNode>,
  writer: LsWriter,
  { output }: CommandContext,
): Promise<void> {
  for await (const listed of nodes) {
    writer.add(listed);
    await output.ready();
  }
}
