// stowage repo init: makes a new repository.
import type { Command } from "commander";
import { initRepository } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

export function addInitCommand(parent: Command, context: CommandContext): void {
  parent
    .command("init")
    .description("make a new repository")
    .option("--repository-version <version>", "format version: 1, 2, stable or latest", "2")
    .addHelpText("after", "\nLosing the password means losing the data: nobody can recover it.\n")
    .action(async (flags: { repositoryVersion: string }) => {
      const version = versionOf(flags.repositoryVersion);
      const storage = await context.openStore({ create: true });
      try {
        const password = await context.password(true);
        const repository = await initRepository({ ...(await context.repositoryOptions(storage, password)), version });
        const location = storage.location;
        if (context.output.isJson) {
          context.output.message({ message_type: "initialized", id: repository.id, repository: location });
        } else {
          context.output.print(`created repository ${repository.id.slice(0, 10)} at ${location}`);
          context.output.print("\nKeep the password: without it the data cannot be read again, by nobody.");
          context.output.print("next: stowage repo backup DIRECTORY");
        }
      } finally {
        await storage.close();
      }
    });
}

function versionOf(text: string): 1 | 2 {
  if (text === "1") return 1;
  if (text === "2" || text === "stable" || text === "latest") return 2;
  throw new UsageError(`--repository-version ${text}: choose 1, 2, stable or latest`);
}
