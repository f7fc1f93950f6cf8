// Entry of the command line: `stowage repo …` and `stowage version`. Sets up output and interruptions, runs one command,
// and sees to it that its last word has left the process.
import { readFileSync } from "node:fs";
import { systemClock } from "../platform/clock.ts";
import { readCliEnvironment } from "./cli-config.ts";
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
  if (argv[0] === "version") {
    runVersion(argv.slice(1), { output, version });
    await output.flush();
    return 0;
  }
  const interruption = new Interruption(output);
  interruption.listen();
  try {
    const { runRepo } = await import("./repo/run-repo.ts");
    const environment = readCliEnvironment(env);
    return await runRepo(argv, { output, interruption, environment, version, clock: () => systemClock.now() });
  } finally {
    interruption.stopListening();
    await output.flush();
  }
}
