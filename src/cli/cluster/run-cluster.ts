// Runs one command on a cluster: parses its words, lets the verb do its work, and turns its end into an exit code.
import type { Interruption } from "../interruption.ts";
import { parseWords } from "../parse-words.ts";
import { ClusterContext, type ClusterRuntime } from "./cluster-context.ts";
import { nounFirst } from "./noun-first.ts";
import { addNounCommands } from "./program.ts";
import { reportFailure } from "./report-failure.ts";
import { addServerVersion } from "./server-version.ts";

export interface ClusterRunRuntime extends Omit<ClusterRuntime, "signal"> {
  readonly interruption: Interruption;
}

/** @param given begins with a noun, such as backup, with a verb before it ("get backups"), or with version. @returns the exit code */
export async function runCluster(given: readonly string[], runtime: ClusterRunRuntime): Promise<number> {
  const { output, interruption } = runtime;
  const words = nounFirst(given);
  const context = new ClusterContext({ ...runtime, signal: interruption.signal });
  // Whoever only waits or reads has nothing left to do when nobody takes the answer.
  output.onClosed = (error) => interruption.interrupt({ kind: "output", error });
  try {
    const work = parseWords(words, {
      addCommands: (program) => {
        if (words[0] === "version") addServerVersion(program, context);
        else addNounCommands(program, words[0] ?? "", context);
      },
      output,
    });
    await Promise.race([work, interruption.gaveUp]);
    await output.flush();
    if (interruption.reason === undefined) return context.conclude();
    return reportFailure(undefined, context, interruption.reason);
  } catch (error) {
    return reportFailure(error, context, interruption.reason);
  }
}
