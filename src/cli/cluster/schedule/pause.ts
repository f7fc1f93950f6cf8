// schedule pause and unpause.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { choiceParser } from "../flag-values.ts";
import { addSelectionFlags, type SelectionFlags, selectedObjects } from "../selected-objects.ts";
import { scheduleNoun } from "./schedule-noun.ts";

interface PauseFlags extends SelectionFlags {
  readonly skipImmediately?: boolean;
}

const abouts = {
  pause: "Make no Backups of these Schedules until they are unpaused. Backups that run go on.",
  unpause: `Make Backups of these Schedules again. What was missed meanwhile is made up for by one Backup at once, unless
--skip-immediately passes over it.`,
} as const;

export function addPauseCommand(parent: Command, context: ClusterContext, verb: keyof typeof abouts): void {
  const isPause = verb === "pause";
  const command = parent
    .command(verb)
    .summary(isPause ? "make no backups for a while" : "make backups again")
    .description(abouts[verb]);
  addSelectionFlags(command, scheduleNoun)
    .option(
      "--skip-immediately <true|false>",
      "when it is unpaused, pass over what was missed",
      choiceParser("--skip-immediately"),
    )
    .addHelpText("after", `\nExamples:\n  stowage schedule ${verb} nightly\n  stowage schedule ${verb} --all`)
    .action(async (names: string[], flags: PauseFlags) => {
      const found = await selectedObjects(context, scheduleNoun, { ...flags, names });
      for (const { metadata, spec } of found ?? []) {
        const { skipImmediately } = flags;
        const isSame = (spec.paused === true) === isPause;
        const keepsSkip = skipImmediately === undefined || skipImmediately === spec.skipImmediately;
        if (isSame && keepsSkip) {
          context.output.print(`Schedule ${metadata.name} is ${verb}d already.`);
          continue;
        }
        const change = { paused: isPause, ...(skipImmediately === undefined ? {} : { skipImmediately }) };
        const { client, signal } = context;
        await client.mergePatch(scheduleNoun.resource, context.address(metadata.name), { spec: change }, { signal });
        context.output.print(`Schedule ${metadata.name} is ${verb}d.`);
      }
    });
}
