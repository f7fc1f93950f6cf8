// stowage repo list: the ids of stored things.
import type { Command } from "commander";
import { type ListKind, list, listKinds } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

export function addListCommand(parent: Command, context: CommandContext): void {
  parent
    .command("list")
    .description(`list the ids of stored things: ${listKinds.join(", ")}`)
    .argument("<kind>", "what to list")
    .action(async (word: string) => {
      const kind = listKinds.find((name): name is ListKind => name === word);
      if (kind === undefined) throw new UsageError(`list ${word}: choose ${listKinds.join(", ")}`);
      // Somebody who lists locks wants to see those of others, not add one.
      const mode = kind === "locks" ? "none" : context.readLock;
      await context.withLockedRepository(mode, async (repository, signal) => {
        for await (const line of list(repository, kind, signal)) context.output.result(`${line}\n`);
      });
    });
}
