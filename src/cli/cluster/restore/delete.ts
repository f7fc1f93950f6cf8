// restore delete: the Restore goes, and its files in the store; what it has restored stays.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { addDeleteFlags, type DeleteFlags, deleteFromCluster, deleteObjects } from "../delete-objects.ts";
import { restoreNoun } from "./restore-noun.ts";

const consequence = "Its log and results in the store go with it; what it has restored stays.";

export function addDeleteCommand(parent: Command, context: ClusterContext): void {
  const summary = "forget a restore; what it has restored stays";
  const about = `Delete Restores. ${consequence} One that runs is stopped.`;
  addDeleteFlags(parent, restoreNoun, { summary, about, consequence }).action((names: string[], flags: DeleteFlags) =>
    deleteObjects(context, {
      ...{ noun: restoreNoun, names, flags, consequence },
      deleteOne: async (restore) => {
        await deleteFromCluster(context, restoreNoun, restore);
        context.output.print(`The deletion of restore ${restore.metadata.name} is submitted.`);
      },
    }),
  );
}
