// stowage repo repair packs: takes what is intact out of damaged packs, and removes them.
import { open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { isId, type PackId, repairPacks, shortId } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { StepReporter } from "../output/progress.ts";
import { UsageError } from "../usage-error.ts";
import type { CommandContext } from "./command-context.ts";

const about = `Take what is intact out of damaged packs, store it anew, and remove the packs. A copy of each pack is written to
the working directory first, as pack-ID. "check --read-data" names the packs. Pieces that are lost are taken out of the
snapshots by "repair snapshots", unless a backup brings them back.`;

const examples = `
Examples:
  stowage repo repair packs 4c1f6ae3…           the whole id, as "check --read-data" prints it`;

export function addRepairPacksCommand(parent: Command, context: CommandContext): void {
  parent
    .command("packs")
    .summary("take what is intact out of damaged packs, and remove them")
    .description(about)
    .argument("<ids...>", "whole ids of packs")
    .addHelpText("after", examples)
    .action((ids: string[]) => run(ids, context));
}

async function run(ids: readonly string[], context: CommandContext): Promise<void> {
  const { output } = context;
  const unknown = ids.find((id) => !isId(id));
  if (unknown !== undefined) throw new UsageError(`"${unknown}" is not the whole id of a pack, which has 64 digits`);
  const reporter = new StepReporter(context.reporting);
  const result = await context.withRepository((repository) =>
    repairPacks(repository, ids as PackId[], {
      ...context.exclusiveLock({ mayGoWithout: false }),
      keepCopy,
      onLost: ({ type, id }, error) => output.print(`lost: the ${type} blob ${shortId(id)}: ${error.message}`),
      onWarning: (message) => output.warn(`warning: ${message}`),
      onProgress: (done, total) => reporter.update({ step: "packs", done, total }),
    }),
  );
  if (output.isJson) {
    output.message({
      message_type: "summary",
      salvaged_blobs: result.salvagedBlobs,
      lost_blobs: result.lostBlobs,
    });
    return;
  }
  output.print(`stored ${formatCount(result.salvagedBlobs, "blob")} anew, ${result.lostBlobs} are lost`);
  if (result.lostBlobs > 0) output.print("next: stowage repo repair snapshots --forget");
}

/** Never over another file, and on the disk before the pack goes. */
async function keepCopy(id: PackId, parts: AsyncIterable<Buffer>): Promise<void> {
  const path = resolve(`pack-${id}`);
  const file = await open(path, "wx");
  try {
    for await (const part of parts) await file.write(part);
    await file.sync();
  } catch (error) {
    await rm(path);
    throw error;
  } finally {
    await file.close();
  }
}
