// The command line without a process of its own: for tests of many commands, of which each would cost a start.
import { readCliEnvironment, readClusterEnvironment } from "../../src/cli/cli-config.ts";
import { runCluster } from "../../src/cli/cluster/run-cluster.ts";
import { Interruption } from "../../src/cli/interruption.ts";
import { Output, type TextSink } from "../../src/cli/output/output.ts";
import { runRepo } from "../../src/cli/repo/run-repo.ts";
import { type Clock, systemClock } from "../../src/platform/clock.ts";

export interface InProcessResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `stowage repo WORDS` with these variables and no others. */
export async function runInProcess(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<InProcessResult> {
  const { output, text } = capture();
  const interruption = new Interruption(output);
  const environment = readCliEnvironment({ ...env });
  const clock = (): number => Date.now();
  const code = await runRepo(["repo", ...words], { output, interruption, environment, version: "1", clock });
  return { code, ...text };
}

export interface ClusterCommand {
  /** Used as if it were named with --kubeconfig. */
  readonly kubeconfig?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is answered to a question; undefined: nobody is there. */
  readonly answer?: string;
  readonly clock?: Clock;
  /** Told of all that is written, as it comes. */
  readonly onText?: (text: string) => void;
  /** Output goes to a terminal, as far as the command can tell. */
  readonly isTerminal?: boolean;
  /** Given the means to interrupt the command, as Ctrl-C does. */
  readonly onStart?: (interrupt: () => void) => void;
}

/** `stowage WORDS`, where the first word is backup, restore, schedule or backup-location. */
export async function runOnCluster(
  words: readonly string[],
  { kubeconfig, env = {}, answer, clock = systemClock, isTerminal = false, onText, onStart }: ClusterCommand = {},
): Promise<InProcessResult & { readonly questions: readonly string[] }> {
  const { output, text } = capture(onText, isTerminal);
  const questions: string[] = [];
  const interruption = new Interruption(output);
  onStart?.(() => interruption.interrupt({ kind: "signal", name: "SIGINT" }));
  const all = [...words, ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig])];
  const code = await runCluster(all, {
    ...{ output, interruption, clock, environment: readClusterEnvironment({ ...env }) },
    ask: async (question) => {
      questions.push(question);
      return answer;
    },
  });
  return { code, ...text, questions };
}

function capture(
  onText?: (text: string) => void,
  isTTY = false,
): { output: Output; text: { stdout: string; stderr: string } } {
  const text = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof text): TextSink => ({
    isTTY,
    columns: 120,
    write: (chunk, done) => {
      text[name] += String(chunk);
      onText?.(String(chunk));
      done?.();
      return true;
    },
  });
  return { output: new Output({ stdout: sink("stdout"), stderr: sink("stderr") }), text };
}
