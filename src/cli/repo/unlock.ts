// stowage repo unlock: removes locks whose owners are gone.
import type { Command } from "commander";
import { removeStaleLocks } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";

export function addUnlockCommand(parent: Command, context: CommandContext): void {
  parent
    .command("unlock")
    .description("remove locks whose owners are gone")
    .option("--remove-all", "remove every lock, also of processes that may still run")
    .action(async (flags: { removeAll?: boolean }) => {
      await context.withRepository(async (repository) => {
        const removed = await removeStaleLocks(repository, { all: flags.removeAll === true, signal: context.signal });
        if (removed > 0) context.output.print(`removed ${formatCount(removed, "lock")}`);
      });
    });
}
