// backup download: the tarball with the objects of a Backup. A file appears under its name only once it is whole.
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { formatBytes } from "../../output/format-values.ts";
import type { ClusterContext } from "../cluster-context.ts";
import { CommandError } from "../command-error.ts";
import { addDownloadFlags, type DownloadFlags, downloadChoices, locationOf } from "../download-flags.ts";
import { readStoredFile } from "../download-request.ts";
import { requireObject } from "../noun.ts";
import { backupNoun } from "./backup-noun.ts";

interface DownloadBackupFlags extends DownloadFlags {
  readonly output?: string;
  readonly force?: boolean;
}

const about = `Fetch the objects of a Backup as a tarball: one JSON file an object, in resources/KIND/namespaces/NAMESPACE. The files
of volumes are not in it; stowage repo restore (or restic) reads those from their repositories.`;

export function addDownloadCommand(parent: Command, context: ClusterContext): void {
  const command = parent
    .command("download")
    .summary("fetch the objects of a backup as a tarball")
    .description(about)
    .argument("<name>", "the Backup")
    .option("-o, --output <file>", "where to put it (default: NAME-data.tar.gz; - is standard output)")
    .option("--force", "replace a file that is there");
  addDownloadFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  stowage backup download shop-1\n  stowage backup download shop-1 -o - | tar -tz",
    )
    .action((name: string, flags: DownloadBackupFlags) => run(name, flags, context));
}

async function run(name: string, flags: DownloadBackupFlags, context: ClusterContext): Promise<void> {
  const { output } = context;
  const backup = await requireObject(context, backupNoun, name);
  const path = flags.output === "-" ? undefined : resolve(flags.output ?? `${name}-data.tar.gz`);
  if (path !== undefined && flags.force !== true) await refuseExisting(path);
  const file = {
    kind: "BackupContents",
    name,
    location: await locationOf(context, backup.spec.storageLocation),
  } as const;
  const save = async (stream: Readable): Promise<number> => {
    if (path !== undefined) return saveTo(path, stream);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      output.result(chunk);
      await output.ready();
    }
    return 0;
  };
  const bytes = await readStoredFile(context, file, await downloadChoices(flags), save);
  if (bytes === undefined) {
    const next = `stowage backup describe ${name}  says whether it has ended well`;
    throw new CommandError(`the store has no objects of backup ${name}`, next);
  }
  if (path !== undefined) output.print(`${path}: ${formatBytes(bytes)}`);
}

/** @returns its length in bytes */
async function saveTo(path: string, stream: Readable): Promise<number> {
  const partial = join(dirname(path), `.stowage-${randomBytes(6).toString("hex")}.partial`);
  try {
    const target = createWriteStream(partial, { flags: "wx", mode: 0o600 });
    await pipeline(stream, target);
    await rename(partial, path);
    return target.bytesWritten;
  } finally {
    await rm(partial, { force: true });
  }
}

async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new CommandError(`${path} is there already`, "--force replaces it, --output chooses another name");
}
