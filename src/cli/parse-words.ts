// Parses a command line with commander and lets the verb do its work; what is wrong with the words becomes a UsageError.
import { Command, CommanderError } from "commander";
import type { Output } from "./output/output.ts";
import { plainWords } from "./plain-words.ts";
import { UsageError } from "./usage-error.ts";

export interface WordsOptions {
  /** Adds the commands to the program. */
  readonly addCommands: (program: Command) => void;
  readonly output: Output;
  /** What to say to a command that is not known, beside the parser's own words; begins with a newline, or is "". */
  readonly advise?: (words: readonly string[]) => string;
}

/** Resolves when the verb has ended. @throws UsageError, and whatever the verb throws */
export async function parseWords(words: readonly string[], options: WordsOptions): Promise<void> {
  const { addCommands, output, advise } = options;
  let complaint = "";
  const program = new Command("stowage").enablePositionalOptions().exitOverride();
  program.configureOutput({
    writeOut: (text) => output.result(text),
    getOutHelpWidth: () => output.columns,
    writeErr: (text) => {
      complaint += text;
    },
  });
  addCommands(program);
  try {
    await program.parseAsync(plainWords(words, program), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help is an answer, whether it was asked for or stands in for a verb that is missing.
    if (error.code === "commander.help") output.result(complaint);
    if (error.code === "commander.help" || error.exitCode === 0) return;
    const advice = error.code === "commander.unknownCommand" ? (advise?.(words) ?? "") : "";
    throw new UsageError(complaint.replace(/^error: /, "").trimEnd() + advice);
  }
}
