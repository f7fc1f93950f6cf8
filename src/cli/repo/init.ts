// stowage repo init: makes a new repository.
import type { Command } from "commander";
import { initRepository } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";
import { addFromOptions, type FromFlags, fromContext } from "./from-repository.ts";

const about = `Make a new repository, in a directory or in a bucket; what is missing of either is made. Everything in it is
encrypted with the password: losing it means losing the data, for nobody can recover it.`;

const examples = `
Examples:
  stowage repo init --repo /srv/backups --password-file ~/.backup-password
  stowage repo init -r /srv/second --copy-chunker-params --from-repo /srv/backups
  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… stowage repo init -r s3:https://s3.example.com/bucket/prefix`;

interface InitFlags extends FromFlags {
  readonly repositoryVersion: string;
  readonly copyChunkerParams?: boolean;
}

export function addInitCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("init")
    .summary("make a new repository")
    .description(about)
    .option("--repository-version <version>", "format version: 1, 2, stable or latest", "2")
    .option("--copy-chunker-params", "let restic cut files here as in the source repository; for copies");
  addFromOptions(command)
    .addHelpText("after", examples)
    .action((flags: InitFlags) => init(flags, context));
}

async function init(flags: InitFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  const version = versionOf(flags.repositoryVersion);
  const chunker = await chunkerParameters(flags, context);
  const storage = await context.openStore({ create: true });
  try {
    const password = await context.password(true);
    const options = await context.repositoryOptions(storage, password);
    const repository = await initRepository({ ...options, ...chunker, version });
    const location = storage.location;
    if (output.isJson) {
      output.message({ message_type: "initialized", id: repository.id, repository: location });
    } else {
      output.print(`created repository ${repository.id.slice(0, 10)} at ${location}`);
      output.print("\nKeep the password: without it nobody can read the data again.");
      output.print("next: stowage repo backup DIRECTORY");
    }
  } finally {
    await storage.close();
  }
}

/** With the same polynomial restic cuts the same files alike in both, so that copies and backups share their blobs. */
async function chunkerParameters(
  flags: InitFlags,
  context: CommandContext,
): Promise<{ readonly chunkerPolynomial?: string }> {
  if (flags.copyChunkerParams === true)
    return await fromContext(flags, context).withRepository(async ({ config: { chunkerPolynomial } }) => ({
      chunkerPolynomial,
    }));
  if (flags.fromRepo !== undefined || flags.fromRepositoryFile !== undefined)
    throw new UsageError("--from-repo goes with --copy-chunker-params only");
  return {};
}

function versionOf(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2" || text === "stable" || text === "latest") return 2;
  throw new UsageError(`--repository-version ${text}: choose 1, 2, stable or latest`);
}
