// stowage repo repair: the group of the verbs that put a damaged repository right again.
import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { addRebuildIndexCommand, addRepairIndexCommand } from "./repair-index.ts";
import { addRepairPacksCommand } from "./repair-packs.ts";
import { addRepairSnapshotsCommand } from "./repair-snapshots.ts";

const about = `Put a damaged repository right again. Run "check --read-data" first, which says what is wrong and what to do,
and copy the repository before you change it: damage often means that the disk below is failing. What was lost from the
repository and is still there elsewhere comes back by another backup of it, before anything is given up.`;

const examples = `
In this order, as far as "check --read-data" advises it:
  stowage repo repair index                     the index says again what the packs hold
  stowage repo repair packs ID...               store anew what is intact in damaged packs, and remove them
  stowage repo repair snapshots --forget        give up what stays lost`;

export function addRepairCommand(parent: Command, context: CommandContext): void {
  const repair = parent
    .command("repair")
    .summary("put a damaged repository right again")
    .description(about)
    .usage("index | packs ID... | snapshots")
    .addHelpText("after", examples);
  addRebuildIndexCommand(parent, context);
  addRepairIndexCommand(repair, context);
  addRepairPacksCommand(repair, context);
  addRepairSnapshotsCommand(repair, context);
}
