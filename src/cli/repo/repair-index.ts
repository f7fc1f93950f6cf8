// stowage repo repair index: makes the index say what the packs hold.
import type { Command } from "commander";
import { type IndexChange, type RepairIndexResult, repairIndex } from "../../../repo-format/index.ts";
import { formatCount } from "../output/format-values.ts";
import { StepReporter } from "../output/progress.ts";
import type { CommandContext } from "./command-context.ts";
import { describeIndexChange } from "./index-change.ts";

interface RepairIndexFlags {
  readonly readAllPacks?: boolean;
}

const about = `Make the index say what the packs hold. Index files that cannot be read are removed; packs that the index
does not know, or knows with another size, are read: each pack ends with a list of what is in it. Packs that are gone are
forgotten. With --read-all-packs the index is built anew from nothing but the packs. No pack and no snapshot is changed.`;

const examples = `
Examples:
  stowage repo repair index
  stowage repo repair index --read-all-packs    slower: reads the end of every pack`;

const steps = { load: "index files loaded", headers: "packs read", index: "index files" } as const;

export function addRepairIndexCommand(parent: Command, context: CommandContext): void {
  describe(parent.command("index"), context);
}

/** restic's old name of it, which scripts may still use. */
export function addRebuildIndexCommand(parent: Command, context: CommandContext): void {
  describe(parent.command("rebuild-index", { hidden: true }), context);
}

function describe(command: Command, context: CommandContext): void {
  command
    .summary("make the index say what the packs hold")
    .description(about)
    .option("--read-all-packs", "trust no index file, and read all packs")
    .addHelpText("after", examples)
    .action(async (flags: RepairIndexFlags) => {
      const reporter = new StepReporter(context.reporting);
      const options = {
        readAllPacks: flags.readAllPacks === true,
        ...context.exclusiveLock({ mayGoWithout: false }),
        onChange: (change: IndexChange) => context.output.print(describeIndexChange(change)),
        onProgress: ({ step, done, total }: { step: keyof typeof steps; done: number; total: number }) =>
          reporter.update({ step: steps[step], done, total }),
      };
      await context.withRepository(async (repository) => show(context, await repairIndex(repository, options)));
    });
}

function show({ output }: CommandContext, result: RepairIndexResult): void {
  if (output.isJson) {
    output.message({
      message_type: "summary",
      indexes_unreadable: result["index-unreadable"],
      packs_added: result["pack-added"],
      packs_missing: result["pack-missing"],
      packs_resized: result["pack-resized"],
      packs_unreadable: result["pack-unreadable"],
    });
    return;
  }
  const count = Object.values(result).reduce((sum, number) => sum + number, 0);
  output.print(count === 0 ? "the index is right as it is" : `the index was repaired: ${formatCount(count, "change")}`);
}
