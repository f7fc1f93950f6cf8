// stowage repo unlock: removes locks whose owners are gone.
import type { Command } from "commander";
import { removeStaleLocks } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";

const about = `Remove locks whose owners are gone: those of processes of this host that do not exist any more, and those
that nobody has refreshed for 30 minutes. --remove-all removes every lock; a process that still runs may then lose what
it stored to somebody else's prune, so make sure that there is none.`;

const examples = `
Examples:
  stowage repo list locks           who holds the repository: stowage repo cat lock ID
  stowage repo unlock`;

export function addUnlockCommand(parent: Command, context: CommandContext): void {
  parent
    .command("unlock")
    .summary("remove locks whose owners are gone")
    .description(about)
    .option("--remove-all", "remove every lock, also of processes that may still run")
    .addHelpText("after", examples)
    .action(async (flags: { removeAll?: boolean }) => {
      await context.withRepository(async (repository) => {
        const removed = await removeStaleLocks(repository, { all: flags.removeAll === true, signal: context.signal });
        if (removed > 0) context.output.print(`successfully removed ${formatCount(removed, "lock")}`);
        else if (context.output.verbosity > 0) context.output.print("there was no lock to remove");
      });
    });
}
