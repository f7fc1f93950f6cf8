// Runs one `stowage repo` command: parses its words, lets the verb do its work, and turns its end into an exit code.
import type { Interruption } from "../interruption.ts";
import { parseWords } from "../parse-words.ts";
import { CommandContext, type CommandRuntime } from "./command-context.ts";
import { addRepoCommands } from "./program.ts";
import { reportFailure } from "./report-failure.ts";

export interface RepoRuntime extends Omit<CommandRuntime, "signal"> {
  readonly interruption: Interruption;
}

/** @param argv begins with "repo". @returns the exit code */
export async function runRepo(argv: readonly string[], runtime: RepoRuntime): Promise<number> {
  const { output, interruption } = runtime;
  const context = new CommandContext({ ...runtime, signal: interruption.signal });
  output.onClosed = (error) => {
    // Who reads an answer that nobody takes any more stops; who writes the repository finishes.
    const isPipe = (error as NodeJS.ErrnoException).code === "EPIPE";
    if (context.onlyAnswers || !isPipe) interruption.interrupt({ kind: "output", error });
  };
  // Flags may be wrong themselves, so this is all that is known before they are parsed.
  output.configure({ json: argv.includes("--json"), quiet: false, verbosity: 0 });
  try {
    const work = parseWords(argv, {
      addCommands: (program) => addRepoCommands(program, context),
      output,
      advise: adviseOn,
    });
    await Promise.race([work, interruption.gaveUp]);
    // Only now is it known whether the last bytes were taken.
    await output.flush();
    const { reason } = interruption;
    if (reason === undefined || reason.kind === "signal") return context.conclude();
    return reportFailure(undefined, { output, interruption: reason, verb: context.verb });
  } catch (error) {
    return reportFailure(error, { output, interruption: interruption.reason, verb: context.verb });
  }
}

/** Verbs that restic has and this program has not, or not yet. */
const resticVerbs: ReadonlySet<string> = new Set(["cache", "generate", "mount"]);

/** Of verbs that are restic's and not ours. */
function adviseOn(words: readonly string[]): string {
  const verb = words.find((word, index) => index > 0 && resticVerbs.has(word));
  return verb === undefined ? "" : `\n  next: stock restic does it on the same repository: restic ${verb}`;
}
