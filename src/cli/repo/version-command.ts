// stowage repo version: the same as `stowage version`, for scripts that say `restic version`.
import type { Command } from "commander";
import { runVersion } from "../version.ts";
import type { CommandContext } from "./command-context.ts";

export function addVersionCommand(parent: Command, context: CommandContext): void {
  parent
    .command("version")
    .summary("print the version")
    .description("Print the version of this program and of the Node that it runs on.")
    .action(() => runVersion(context.output.isJson ? ["--json"] : [], context));
}
