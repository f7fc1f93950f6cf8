// Entry of the command line: `stowage repo …`, `stowage backup …` and its like, `stowage version`. Sets up output and
// interruptions, runs one command, and sees to it that its last word has left the process.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { systemClock } from "../platform/clock.ts";
import { readCliEnvironment, readClusterEnvironment } from "./cli-config.ts";
import { Interruption } from "./interruption.ts";
import { Output } from "./output/output.ts";
import { runVersion } from "./version.ts";

/** The version in package.json, which lies one level above the sources and two above the built files. */
export function programVersion(): string {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (found.name === "stowage") return found.version ?? "unknown";
    } catch {
      // Not there: the other place is tried next.
    }
  }
  return "unknown";
}

/**
 * Runs one command.
 * @param argv the words after the program's name, the role's included.
 * @returns the exit code, with restic's meanings.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const output = new Output({ stdout: process.stdout, stderr: process.stderr });
  const version = programVersion();
  const asksForHelp = argv.includes("--help") || argv.includes("-h");
  if (argv[0] === "version" && !asksForHelp) {
    runVersion(argv.slice(1), { output, version });
    await output.flush();
    if (!argv.includes("--server")) return 0;
  }
  const isRepo = argv[0] === "repo";
  const interruption = isRepo ? new Interruption(output) : new Interruption(output, "says nothing more");
  interruption.listen();
  try {
    return await (isRepo ? onRepository : onCluster)(argv, { output, interruption, env, version });
  } finally {
    interruption.stopListening();
    await output.flush();
  }
}

interface Surroundings {
  readonly output: Output;
  readonly interruption: Interruption;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
}

/** The engine is loaded for these commands only, and the client of the cluster for the others. */
async function onRepository(argv: readonly string[], { env, ...rest }: Surroundings): Promise<number> {
  const { runRepo } = await import("./repo/run-repo.ts");
  return await runRepo(argv, { ...rest, environment: readCliEnvironment(env), clock: () => systemClock.now() });
}

async function onCluster(argv: readonly string[], { env, output, interruption }: Surroundings): Promise<number> {
  const { runCluster } = await import("./cluster/run-cluster.ts");
  const environment = readClusterEnvironment(env);
  return await runCluster(argv, { output, interruption, environment, clock: systemClock, ask: askOnStandardInput });
}

/** One line of standard input, from a person or a pipe; the question goes where answers do not. */
async function askOnStandardInput(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return undefined;
  } finally {
    lines.close();
  }
}
