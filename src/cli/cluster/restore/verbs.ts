// The verbs of `stowage restore`.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { addGetCommand } from "../get.ts";
import { addLogsCommand } from "../logs.ts";
import { addCreateCommand } from "./create.ts";
import { addDeleteCommand } from "./delete.ts";
import { addRestoreDescribeCommand, restoreLocationName } from "./describe.ts";
import { restoreNoun } from "./restore-noun.ts";

export function addRestoreVerbs(parent: Command, context: ClusterContext): void {
  addCreateCommand(parent, context);
  addGetCommand(parent, context, restoreNoun);
  addRestoreDescribeCommand(parent, context);
  addLogsCommand(parent, context, { noun: restoreNoun, kind: "RestoreLog", locationNameOf: restoreLocationName });
  addDeleteCommand(parent, context);
}
