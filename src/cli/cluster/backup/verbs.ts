// The verbs of `stowage backup`.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { addGetCommand } from "../get.ts";
import { addLogsCommand } from "../logs.ts";
import { backupNoun } from "./backup-noun.ts";
import { addCreateCommand } from "./create.ts";
import { addDeleteCommand } from "./delete.ts";
import { addBackupDescribeCommand } from "./describe.ts";
import { addDownloadCommand } from "./download.ts";

export function addBackupVerbs(parent: Command, context: ClusterContext): void {
  addCreateCommand(parent, context);
  addGetCommand(parent, context, backupNoun);
  addBackupDescribeCommand(parent, context);
  addLogsCommand(parent, context, {
    noun: backupNoun,
    kind: "BackupLog",
    locationNameOf: async ({ spec }) => spec.storageLocation,
  });
  addDownloadCommand(parent, context);
  addDeleteCommand(parent, context);
}
