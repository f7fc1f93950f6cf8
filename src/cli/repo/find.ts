// stowage repo find: looks for files in all snapshots, or for what a blob, a tree or a pack belongs to.
import type { Command } from "commander";
import {
  blobsOfPacks,
  type FoundSnapshot,
  findBlobs,
  findNames,
  findSnapshots,
  locateBlobs,
  type NameQuery,
  type Repository,
  type WantedBlobs,
  WantedIds,
} from "../../../repo-format/index.ts";
import { exitCodes } from "../exit-codes.ts";
import { printable } from "../output/terminal-text.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { type FindForm, type FindWriter, findWriter } from "./find-writers.ts";
import { collect } from "./flag-values.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { parseInstant } from "./snapshot-time.ts";

interface FindFlags extends SnapshotFilterFlags, FindForm {
  readonly oldest?: string;
  readonly newest?: string;
  readonly snapshot?: readonly string[];
  readonly blob?: boolean;
  readonly tree?: boolean;
  readonly pack?: boolean;
  readonly showPackId?: boolean;
  readonly ignoreCase?: boolean;
  readonly reverse?: boolean;
}

const about = `Look for files and directories in all snapshots, or in those that are chosen, the newest first. A pattern is a
name or some components of a path with the wildcards * ? [a-z], and ** for any number of directories; with a "/" in front it
begins at the root. --blob, --tree and --pack look for ids instead: in which files and directories of which snapshots they
are used. Ids may be shortened to 8 digits.`;

const examples = `
Examples:
  stowage repo find config.json
  stowage repo find --long --newest 2026-03-31 --host web1 "/etc/**/*.conf"
  stowage repo find -i --snapshot latest "*.JPG" --json
  stowage repo find --blob 420f620f b46ebe8a --show-pack-id
  stowage repo find --pack 025c1d06               what is lost with this pack`;

export function addFindCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("find")
    .summary("look for files in snapshots, or for what a blob, tree or pack belongs to")
    .description(about)
    .argument("<patterns...>", "patterns of names, or ids")
    .option("-O, --oldest <time>", 'only what was modified at or after this: 2026-03-31, or "2026-03-31 12:00:00"')
    .option("-N, --newest <time>", "only what was modified at or before this")
    .option("-s, --snapshot <id>", "look in this snapshot only; may be repeated", collect)
    .option("--blob", "the patterns are ids of data blobs")
    .option("--tree", "the patterns are ids of trees")
    .option("--pack", "the patterns are ids of packs")
    .option("--show-pack-id", "with ids: also show which pack each blob lies in")
    .option("-i, --ignore-case", "whatever the case of letters")
    .option("-R, --reverse", "the oldest snapshot first")
    .option("-l, --long", "with mode, owner, size and time")
    .option("--human-readable", "with --long: sizes with a unit");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((patterns: string[], flags: FindFlags) => run(patterns, flags, context));
}

async function run(patterns: readonly string[], flags: FindFlags, context: CommandContext): Promise<void> {
  if ([flags.blob, flags.tree, flags.pack].filter((flag) => flag === true).length > 1)
    throw new UsageError("--blob, --tree and --pack exclude each other");
  const query = nameQuery(patterns, flags);
  await context.withLockedRepository(context.readLock, async (repository, signal) => {
    const snapshots = await chosenSnapshots(repository, flags, context, signal);
    await repository.refreshIndex(signal);
    const wanted = await wantedBlobs(repository, patterns, flags, context);
    const search = { repository, context, signal, writer: findWriter(context.output, flags) };
    for (const found of flags.reverse === true ? snapshots : snapshots.reverse())
      await (wanted === undefined ? searchNames(search, found, query) : searchBlobs(search, found, wanted));
    search.writer.end();
    if (wanted !== undefined && flags.showPackId === true) showPacks(repository, wanted, context);
  });
}

function nameQuery(patterns: readonly string[], flags: FindFlags): NameQuery {
  const oldestNs = flags.oldest === undefined ? undefined : parseInstant(flags.oldest, "--oldest");
  const newestNs = flags.newest === undefined ? undefined : parseInstant(flags.newest, "--newest");
  if (oldestNs !== undefined && newestNs !== undefined && oldestNs > newestNs)
    throw new UsageError("--oldest must not lie behind --newest");
  return { patterns, ignoreCase: flags.ignoreCase === true, oldestNs, newestNs };
}

/** Oldest first. */
async function chosenSnapshots(
  repository: Repository,
  flags: FindFlags,
  context: CommandContext,
  signal: AbortSignal,
): Promise<FoundSnapshot[]> {
  const ids = flags.snapshot ?? [];
  const filter = { ...snapshotFilter(flags, context), ids, signal, onIgnored: context.reportIgnored };
  const found = await findSnapshots(repository, filter);
  if (ids.length === 0) return found;
  const byTime = (a: FoundSnapshot, b: FoundSnapshot): number =>
    Date.parse(a.snapshot.time) - Date.parse(b.snapshot.time);
  return found.sort(byTime);
}

/** Undefined when names are looked for. */
async function wantedBlobs(
  repository: Repository,
  names: readonly string[],
  { blob, tree, pack }: FindFlags,
  { output, signal }: CommandContext,
): Promise<WantedBlobs | undefined> {
  if (blob === true) return { data: new WantedIds(names) };
  if (tree === true) return { tree: new WantedIds(names) };
  if (pack !== true) return undefined;
  return await blobsOfPacks(repository, names, {
    signal,
    onMissing: (packs) => output.warn(`not in the store, only in the index: pack ${packs.join(", ")}`),
  });
}

interface Search {
  readonly repository: Repository;
  readonly context: CommandContext;
  readonly signal: AbortSignal;
  readonly writer: FindWriter;
}

async function searchNames(search: Search, found: FoundSnapshot, query: NameQuery): Promise<void> {
  const matches = findNames(search.repository, found.snapshot.tree, query, searchOptions(search, found));
  for await (const listed of matches) {
    search.writer.addMatch(found, listed);
    await search.context.output.ready();
  }
}

async function searchBlobs(search: Search, found: FoundSnapshot, wanted: WantedBlobs): Promise<void> {
  const places = findBlobs(search.repository, found.snapshot.tree, wanted, searchOptions(search, found));
  for await (const blob of places) {
    search.writer.addBlob(found, blob);
    await search.context.output.ready();
  }
}

function searchOptions({ context, signal }: Search, { id }: FoundSnapshot): Parameters<typeof findNames>[3] {
  return {
    signal,
    onError: (error, path) => {
      context.output.warn(
        `error: "${printable(path.toString())}" of snapshot ${id.slice(0, 8)} cannot be read: ${error.message}`,
      );
      context.fail(exitCodes.failure, "Fatal: not everything could be searched\n  next: stowage repo check");
    },
  };
}

function showPacks(repository: Repository, wanted: WantedBlobs, { output }: CommandContext): void {
  for (const { type, id, pack, offset, length, uncompressedLength } of locateBlobs(repository, wanted)) {
    if (pack === undefined) {
      output.result(`Object ${id} with type ${type} not found in the index\n`);
      continue;
    }
    const blob = `<Blob (${type}) ${id.slice(0, 8)}, offset ${offset}, length ${length}, uncompressed length ${uncompressedLength}>`;
    output.result(`Object belongs to pack ${pack}\n ... Pack ${pack.slice(0, 8)}: ${blob}\n`);
  }
}
