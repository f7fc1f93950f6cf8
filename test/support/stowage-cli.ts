// Runs our own command line as a process, as a user does, and reads its answers.
import { join } from "node:path";
import { type ProcessResult, runProcess } from "./processes.ts";

const executable = join(import.meta.dirname, "..", "..", "src", "main.ts");

export interface StowageOptions {
  /** Undefined: none is named, neither by flag nor by variable. */
  readonly repository?: string | undefined;
  /** Default "password"; null: none is given. */
  readonly password?: string | null;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
}

export interface StowageResult extends ProcessResult {
  /** Standard output by lines, each parsed, where `--json` was given; a line that is no JSON is left out. */
  readonly messages: readonly Record<string, unknown>[];
  /** The same of standard error. */
  readonly errors: readonly Record<string, unknown>[];
}

/** Variables that would change what a command does, taken out of the environment of a test. */
const cleanEnvironment: Readonly<Record<string, undefined>> = Object.fromEntries(
  ["REPOSITORY", "REPOSITORY_FILE", "PASSWORD", "PASSWORD_FILE", "PASSWORD_COMMAND", "HOST", "KEY_HINT", "COMPRESSION"]
    .flatMap((name) => [`RESTIC_${name}`, `STOWAGE_${name}`])
    .map((name) => [name, undefined]),
);

/** The environment of a test in which restic's variables name this repository and nothing else. */
export function repositoryEnvironment({
  repository,
  password = "password",
  env,
}: StowageOptions): Record<string, string | undefined> {
  return {
    ...cleanEnvironment,
    RESTIC_PROGRESS_FPS: "0.1",
    // Tests share nothing, and leave nothing in the home of whoever runs them.
    STOWAGE_NO_CACHE: "true",
    ...(repository === undefined ? {} : { RESTIC_REPOSITORY: repository }),
    ...(password === null ? {} : { RESTIC_PASSWORD: password }),
    ...env,
  };
}

/** Words that start our command line with this Node. */
export function stowageWords(args: readonly string[]): string[] {
  return [executable, "repo", ...args];
}

/** `stowage repo ARGS`. Never rejects for a bad exit status, and never waits for a lock unless asked to. */
export async function stowage(args: readonly string[], options: StowageOptions = {}): Promise<StowageResult> {
  const { cwd, input } = options;
  const result = await runProcess(process.execPath, {
    args: stowageWords(args),
    env: { STOWAGE_RETRY_LOCK: "0", ...repositoryEnvironment(options) },
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  });
  return { ...result, messages: parseLines(result.stdout), errors: parseLines(result.stderr) };
}

/** Like `stowage`, but rejects with what was said when it ends with anything but 0. */
export async function stowageMust(args: readonly string[], options: StowageOptions = {}): Promise<StowageResult> {
  const result = await stowage(args, options);
  if (result.code === 0) return result;
  throw new Error(
    `stowage ${args.join(" ")} ended with ${result.signal ?? result.code}:\n${result.stderr}${result.stdout}`,
  );
}

function parseLines(text: string): Record<string, unknown>[] {
  const lines = text.split("\n").filter((line) => /^[[{]/.test(line));
  return lines.flatMap<Record<string, unknown>>((line) => {
    try {
      return JSON.parse(line) as Record<string, unknown> | Record<string, unknown>[];
    } catch {
      // Indented JSON, or text that only begins like it.
      return [];
    }
  });
}
