// Runs the real restic on a repository and reads its answers.
import { type ResticVersion, resticBinary } from "./peers.ts";
import { type ProcessResult, runProcess } from "./processes.ts";

export interface ResticOptions {
  /** Default 0.19.1. */
  readonly version?: ResticVersion;
  /** As restic writes it: a directory, or "s3:http://…". */
  readonly repository: string;
  /** Default "password". */
  readonly password?: string;
  /** For example the `env` of an S3 server. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
}

export interface ResticResult extends ProcessResult {
  /** Standard output by lines, each parsed, where `--json` was given; a line that is no JSON is left out. */
  readonly messages: readonly Record<string, unknown>[];
}

/** Never rejects for a bad exit status. restic works without a cache, so that tests share nothing. */
export async function restic(args: readonly string[], options: ResticOptions): Promise<ResticResult> {
  const { version, repository, password = "password", env = {}, ...rest } = options;
  const result = await runProcess(resticBinary(version), {
    ...rest,
    args: ["--no-cache", ...args],
    env: {
      RESTIC_PASSWORD_FILE: undefined,
      RESTIC_PASSWORD_COMMAND: undefined,
      RESTIC_REPOSITORY_FILE: undefined,
      RESTIC_PROGRESS_FPS: "0.1",
      ...env,
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: password,
    },
  });
  return { ...result, messages: args.includes("--json") ? parseLines(result.stdout) : [] };
}

/** Like `restic`, but rejects with what restic said when it ends with anything but 0. */
export async function resticMust(args: readonly string[], options: ResticOptions): Promise<ResticResult> {
  const result = await restic(args, options);
  if (result.code !== 0) {
    throw new Error(
      `restic ${args.join(" ")} ended with ${result.signal ?? result.code}:\n${result.stderr}${result.stdout}`,
    );
  }
  return result;
}

/** Some commands print one array or object, others one object a line. */
function parseLines(stdout: string): Record<string, unknown>[] {
  // Progress begins with a bracket, too: "[0:00] 100.00% …".
  const lines = stdout.split("\n").filter((line) => /^(\{|\[[{\]])/.test(line));
  return lines.flatMap<Record<string, unknown>>(
    (line) => JSON.parse(line) as Record<string, unknown> | Record<string, unknown>[],
  );
}
