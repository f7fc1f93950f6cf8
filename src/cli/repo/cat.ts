// stowage repo cat: prints a stored thing, decrypted.
import type { Command } from "commander";
import { type CatKind, cat, catKinds, isBinary } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

export function addCatCommand(parent: Command, context: CommandContext): void {
  parent
    .command("cat")
    .description(`print a stored thing, decrypted: ${catKinds.join(", ")}`)
    .argument("<kind>", "what it is")
    .argument("[id]", "its id; for snapshot and tree also latest, or the unique beginning of a snapshot's id")
    .action(async (word: string, id: string | undefined) => {
      const kind = catKinds.find((name): name is CatKind => name === word);
      if (kind === undefined) throw new UsageError(`cat ${word}: choose ${catKinds.join(", ")}`);
      await context.withLockedRepository(context.readLock, async (repository, signal) => {
        if (kind === "blob" || kind === "tree") await repository.refreshIndex(signal);
        const content = await cat(repository, kind, id ?? "", { signal });
        context.output.result(content);
        if (!isBinary(kind)) context.output.result("\n");
      });
    });
}
