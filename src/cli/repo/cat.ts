// stowage repo cat: prints a stored thing, decrypted.
import type { Command } from "commander";
import { type CatKind, cat, catKinds, isBinary } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

const about = `Print a stored thing, decrypted: ${catKinds.join(", ")}. JSON is indented; packs, blobs and trees are
printed byte by byte. masterkey is the secret that opens everything: keep it off screens.`;

const examples = `
Examples:
  stowage repo cat config                   also tells whether there is a repository: ends with 10 when not
  stowage repo cat snapshot latest
  stowage repo cat tree latest:/etc`;

export function addCatCommand(parent: Command, context: CommandContext): void {
  parent
    .command("cat")
    .summary(`print a stored thing, decrypted: ${catKinds.join(", ")}`)
    .description(about)
    .argument("<kind>", "what it is")
    .argument("[id]", "its id; for snapshot and tree also latest, or the unique beginning of a snapshot's id")
    .addHelpText("after", examples)
    .action(async (word: string, id: string | undefined) => {
      const kind = catKinds.find((name): name is CatKind => name === word);
      if (kind === undefined) throw new UsageError(`cat ${word}: choose ${catKinds.join(", ")}`);
      if (id === undefined && kind !== "config" && kind !== "masterkey")
        throw new UsageError(`cat ${kind}: which one? give its id`);
      await context.withLockedRepository(context.readLock, async (repository, signal) => {
        if (kind === "blob" || kind === "tree") await repository.refreshIndex(signal);
        const content = await cat(repository, kind, id ?? "", { signal });
        context.output.result(content);
        if (!isBinary(kind)) context.output.result("\n");
        await context.output.ready();
      });
    });
}
