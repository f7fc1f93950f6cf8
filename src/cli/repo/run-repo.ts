// Runs one `stowage repo` command: parses its words, lets the verb do its work, and turns its end into an exit code.
import { Command, CommanderError } from "commander";
import type { Interruption } from "../interruption.ts";
import { UsageError } from "../usage-error.ts";
import { CommandContext, type CommandRuntime } from "./command-context.ts";
import { plainWords } from "./plain-words.ts";
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
    const work = parse(argv, context);
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

async function parse(argv: readonly string[], context: CommandContext): Promise<void> {
  let complaint = "";
  const program = new Command("stowage").enablePositionalOptions().exitOverride();
  program.configureOutput({
    writeOut: (text) => context.output.result(text),
    getOutHelpWidth: () => context.output.columns,
    writeErr: (text) => {
      complaint += text;
    },
  });
  addRepoCommands(program, context);
  try {
    await program.parseAsync(plainWords(argv, program), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help is an answer, whether it was asked for or stands in for a verb that is missing.
    if (error.code === "commander.help") context.output.result(complaint);
    if (error.code === "commander.help" || error.exitCode === 0) return;
    const verb = argv.find((word, index) => index > 0 && resticVerbs.has(word));
    const isForeign = error.code === "commander.unknownCommand" && verb !== undefined;
    const advice = isForeign ? `\n  next: stock restic does it on the same repository: restic ${verb}` : "";
    throw new UsageError(complaint.replace(/^error: /, "").trimEnd() + advice);
  }
}
