// stowage repo dump: writes one stored file to standard output or to a file.
import { open } from "node:fs/promises";
import type { Command } from "commander";
import { dumpFile, findTree, resolveSnapshot } from "../../../repo-format/index.ts";
import type { CommandContext } from "./command-context.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";

interface DumpFlags extends SnapshotFilterFlags {
  readonly target?: string;
}

export function addDumpCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("dump")
    .description("write one stored file to standard output")
    .argument("<snapshot[:folder]>", "id, unique beginning of an id, or latest; after a colon a folder of it")
    .argument("<file>", "absolute path in the snapshot")
    .option("-t, --target <file>", "write to this file instead");
  addSnapshotFilterOptions(command).action(async (name: string, path: string, flags: DumpFlags) => {
    await context.withLockedRepository(context.readLock, async (repository, signal) => {
      const found = await resolveSnapshot(repository, name, { ...snapshotFilter(flags), signal });
      await repository.refreshIndex(signal);
      const treeId = await findTree(repository, found.snapshot.tree, found.subfolder, signal);
      if (flags.target === undefined) {
        await dumpFile(repository, { treeId, path }, process.stdout, { signal });
        return;
      }
      const target = (await open(flags.target, "w", 0o600)).createWriteStream();
      await dumpFile(repository, { treeId, path }, target, { signal });
      await new Promise<void>((resolve, reject) =>
        target.end((error?: Error | null) => (error == null ? resolve() : reject(error))),
      );
    });
  });
}
