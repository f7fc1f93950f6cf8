// The verbs of `stowage backup-location`.
import type { Command } from "commander";
import type { ClusterContext } from "../cluster-context.ts";
import { choiceParser } from "../flag-values.ts";
import { addGetCommand } from "../get.ts";
import { addCreateCommand } from "./create.ts";
import { addDeleteCommand } from "./delete.ts";
import { locationNoun } from "./location-noun.ts";
import { addSetCommand } from "./set.ts";

export function addLocationVerbs(parent: Command, context: ClusterContext): void {
  addCreateCommand(parent, context);
  addGetCommand(parent, context, locationNoun, ({ spec }, flags) => {
    return flags.default !== true || spec.default === true;
  }).option("--default <true|false>", "the default location only", choiceParser("--default"));
  addSetCommand(parent, context);
  addDeleteCommand(parent, context);
}
