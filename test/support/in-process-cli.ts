// The command line without a process of its own: for tests of many commands, of which each would cost a start.
import { readCliEnvironment } from "../../src/cli/cli-config.ts";
import { Interruption } from "../../src/cli/interruption.ts";
import { Output } from "../../src/cli/output/output.ts";
import { runRepo } from "../../src/cli/repo/run-repo.ts";

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
  const text = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof text): { write: (chunk: string | Uint8Array, done?: () => void) => boolean } => ({
    write: (chunk, done) => {
      text[name] += String(chunk);
      done?.();
      return true;
    },
  });
  const output = new Output({ stdout: sink("stdout"), stderr: sink("stderr") });
  const interruption = new Interruption(output);
  const environment = readCliEnvironment({ ...env });
  const clock = (): number => Date.now();
  const code = await runRepo(["repo", ...words], { output, interruption, environment, version: "1", clock });
  return { code, ...text };
}
