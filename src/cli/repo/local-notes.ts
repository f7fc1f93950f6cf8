// The notes that `backup` and `restore` leave on this machine for the next run (repo-format/notes), and their flag.
import type { Command } from "commander";
import { LocalNotes, type Repository } from "../../../repo-format/index.ts";
import { notesDirectory } from "./cache-choice.ts";
import type { CommandContext } from "./command-context.ts";

export interface NotesFlags {
  /** commander's form of --no-notes. */
  readonly notes?: boolean;
}

export function addNotesOption(command: Command): Command {
  return command.option(
    "--no-notes",
    "neither use nor leave notes for later runs beside the cache (also by --no-cache)",
  );
}

/** Undefined: not wanted, or there is no place for them. */
export async function openNotes(
  context: CommandContext,
  repository: Repository,
  flags: NotesFlags,
): Promise<LocalNotes | undefined> {
  const directory = notesDirectory(context);
  if (flags.notes === false || directory === undefined) return undefined;
  const { output, clock } = context;
  // Nobody has asked for a place to be written to where there is none, as in a container.
  let isTold = output.verbosity > 0;
  const onWarning = (message: string): void => {
    if (isTold) output.warn(`warning: ${message}`);
  };
  const notes = await LocalNotes.open({ directory, repositoryId: repository.id, clock, onWarning });
  isTold = true;
  return notes;
}
