// The verbs of `stowage schedule`.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { addGetCommand } from "../get.ts";
import { addCreateCommand } from "./create.ts";
import { addDeleteCommand } from "./delete.ts";
import { addScheduleDescribeCommand } from "./describe.ts";
import { addPauseCommand } from "./pause.ts";
import { scheduleNoun } from "./schedule-noun.ts";

export function addScheduleVerbs(parent: Command, context: ClusterContext): void {
  addCreateCommand(parent, context);
  addGetCommand(parent, context, scheduleNoun);
  addScheduleDescribeCommand(parent, context);
  addPauseCommand(parent, context, "pause");
  addPauseCommand(parent, context, "unpause");
  addDeleteCommand(parent, context);
}
