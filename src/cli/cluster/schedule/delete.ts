// schedule delete: the Schedule goes; its Backups stay, unless it owns them.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { addDeleteFlags, type DeleteFlags, deleteFromCluster, deleteObjects } from "../delete-objects.ts";
import { scheduleNoun } from "./schedule-noun.ts";

const consequence = "Its Backups stay, unless it was made with --use-owner-references-in-backup.";

export function addDeleteCommand(parent: Command, context: ClusterContext): void {
  const summary = "make no more backups";
  const about = `Delete Schedules. ${consequence}`;
  addDeleteFlags(parent, scheduleNoun, { summary, about, consequence }).action((names: string[], flags: DeleteFlags) =>
    deleteObjects(context, {
      ...{ noun: scheduleNoun, names, flags, consequence },
      deleteOne: async (schedule) => {
        await deleteFromCluster(context, scheduleNoun, schedule);
        context.output.print(`Schedule ${schedule.metadata.name} is deleted.`);
      },
    }),
  );
}
