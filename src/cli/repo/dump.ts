// stowage repo dump: writes one stored file to standard output or to a file.
import { open } from "node:fs/promises";
import { finished } from "node:stream/promises";
import type { Command } from "commander";
import { dumpFile, findTree, type Repository, resolveSnapshot } from "../../../repo-format/index.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface DumpFlags extends SnapshotFilterFlags {
  readonly target?: string;
}

const about = `Write one stored file to standard output, or to a file. Each piece is verified before it is written, so what
comes out is what went in; a piece that is damaged ends the command with an error.`;

const examples = `
Examples:
  stowage repo dump latest /etc/fstab
  stowage repo dump latest /var/backups/db.sql | psql
  stowage repo dump 79766175:/home/ann notes.txt --target notes.txt`;

export function addDumpCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("dump")
    .summary("write one stored file to standard output")
    .description(about)
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .argument("<file>", "path in the snapshot")
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
  if (flags.target === undefined) {
    await dumpFile(repository, { treeId, path }, process.stdout, { signal });
    return;
  }
  const target = (await open(flags.target, "w", 0o600)).createWriteStream();
  try {
    await dumpFile(repository, { treeId, path }, target, { signal });
  } finally {
    target.end();
    await finished(target);
  }
}
