// stowage repo dump: writes a stored file, or a directory as an archive, to standard output or to a file.
import { open } from "node:fs/promises";
import { posix } from "node:path";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { type Command, Option } from "commander";
import {
  type ArchiveFormat,
  archiveFormats,
  type BlobId,
  dumpFile,
  dumpFolder,
  findNode,
  findTree,
  type Repository,
  resolveSnapshot,
} from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface DumpFlags extends SnapshotFilterFlags {
  readonly target?: string;
  readonly archive: ArchiveFormat;
}

const about = `Write one stored file to standard output, or to a file; a directory is written as an archive, with owners,
modes, times, links and extended attributes (zip: modes, times and links). Each piece is verified before it is written, so
what comes out is what went in; a piece that is damaged ends the command with an error.`;

const examples = `
Examples:
  stowage repo dump latest /etc/fstab
  stowage repo dump latest /var/backups/db.sql | psql
  stowage repo dump 79766175:/home/ann notes.txt --target notes.txt
  stowage repo dump latest /etc | tar -t
  stowage repo dump 79766175:/home/ann / --archive zip --target ann.zip`;

export function addDumpCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("dump")
    .summary("write a stored file, or a directory as tar or zip, to standard output")
    .description(about)
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .argument("<path>", "of a file or directory in the snapshot; / is all of it")
    .addOption(new Option("-a, --archive <format>", "of a directory").choices(archiveFormats).default("tar"))
    .option("-t, --target <file>", "write to this file instead");
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action(async (name: string, path: string, flags: DumpFlags) => {
      await context.withLockedRepository(context.readLock, (repository, signal) =>
        dump({ name, path, flags, context, repository, signal }),
      );
    });
}

interface DumpRun {
  readonly name: string;
  readonly path: string;
  readonly flags: DumpFlags;
  readonly context: CommandContext;
  readonly repository: Repository;
  readonly signal: AbortSignal;
}

async function dump({ name, path, flags, context, repository, signal }: DumpRun): Promise<void> {
  const found = await resolveSnapshot(repository, name, { ...snapshotFilter(flags, context), signal });
  await repository.refreshIndex(signal);
  const treeId = await findTree(repository, found.snapshot.tree, found.subfolder, signal);
  const isFolder = await isDirectory(repository, { treeId, path }, signal);
  if (isFolder && flags.target === undefined && context.output.isTerminal) {
    throw new UsageError("an archive is nothing for a terminal; use --target, or redirect the output");
  }
  const write = (output: Writable): Promise<number> =>
    isFolder
      ? dumpFolder(repository, { treeId, path }, output, { format: flags.archive, signal })
      : dumpFile(repository, { treeId, path }, output, { signal });
  if (flags.target === undefined) {
    await write(process.stdout);
    return;
  }
  const target = (await open(flags.target, "w", 0o600)).createWriteStream();
  try {
    await write(target);
  } finally {
    target.end();
    await finished(target);
  }
}

async function isDirectory(
  repository: Repository,
  { treeId, path }: { readonly treeId: BlobId; readonly path: string },
  signal: AbortSignal,
): Promise<boolean> {
  // The root has no node. As in restic it must be named by a slash: an empty variable in a script is no wish for everything.
  if (path.startsWith("/") && posix.normalize(path) === "/") return true;
  return (await findNode(repository, treeId, path, signal)).type === "dir";
}
