// stowage repo list: the ids of stored things.
import type { Command } from "commander";
import { type ListKind, list, listKinds } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

const about = `List the ids of stored things, one a line: ${listKinds.join(", ")}. Blobs come with their type, once for each
copy. Listing locks takes none, so that it shows those of others.`;

const examples = `
Examples:
  stowage repo list snapshots
  stowage repo list blobs | sort | uniq -d        blobs that are stored more than once`;

export function addListCommand(parent: Command, context: CommandContext): void {
  parent
    .command("list")
    .summary(`list the ids of stored things: ${listKinds.join(", ")}`)
    .description(about)
    .argument("<kind>", "what to list")
    .addHelpText("after", examples)
    .action(async (word: string) => {
      const kind = listKinds.find((name): name is ListKind => name === word);
      if (kind === undefined) throw new UsageError(`list ${word}: choose ${listKinds.join(", ")}`);
      const mode = kind === "locks" ? "none" : context.readLock;
      await context.withLockedRepository(mode, async (repository, signal) => {
        if (kind === "blobs") await repository.refreshIndex(signal);
        for await (const line of list(repository, kind, signal)) {
          context.output.result(`${line}\n`);
          await context.output.ready();
        }
      });
    });
}
