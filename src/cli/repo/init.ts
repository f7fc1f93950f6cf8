// stowage repo init: makes a new repository.
import { type Command, Option } from "commander";
import { initRepository } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

const about = `Make a new repository, in a directory or in a bucket; what is missing of either is made. Everything in it is
encrypted with the password: losing it means losing the data, for nobody can recover it.`;

const examples = `
Examples:
  stowage repo init --repo /srv/backups --password-file ~/.backup-password
  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… stowage repo init -r s3:https://s3.example.com/bucket/prefix`;

interface InitFlags {
  readonly repositoryVersion: string;
  readonly copyChunkerParams?: boolean;
}

export function addInitCommand(parent: Command, context: CommandContext): void {
  parent
    .command("init")
    .summary("make a new repository")
    .description(about)
    .option("--repository-version <version>", "format version: 1, 2, stable or latest", "2")
    .addOption(new Option("--copy-chunker-params", "not available").hideHelp())
    .addHelpText("after", examples)
    .action((flags: InitFlags) => init(flags, context));
}

async function init(flags: InitFlags, context: CommandContext): Promise<void> {
  const { output } = context;
  if (flags.copyChunkerParams === true)
    throw new UsageError("--copy-chunker-params is not available: this program's chunker has no parameters");
  const version = versionOf(flags.repositoryVersion);
  const storage = await context.openStore({ create: true });
  try {
    const password = await context.password(true);
    const repository = await initRepository({ ...(await context.repositoryOptions(storage, password)), version });
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

function versionOf(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2" || text === "stable" || text === "latest") return 2;
  throw new UsageError(`--repository-version ${text}: choose 1, 2, stable or latest`);
}
