// Entry of the command line: parses the words, runs one command, and turns its end into an exit code and a last word.
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { RepositoryError } from "../../repo-format/index.ts";
import { systemClock } from "../platform/clock.ts";
import { readCliEnvironment } from "./cli-config.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { Output } from "./output/output.ts";
import { CommandContext } from "./repo/command-context.ts";
import { addRepoCommands } from "./repo/program.ts";
import { UsageError } from "./usage-error.ts";

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
 * Runs `stowage repo …` and `stowage version`.
 * @param argv the words after the program's name, the role's included.
 * @returns the exit code, with restic's meanings.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const output = new Output({ stdout: process.stdout, stderr: process.stderr });
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  // Asked a second time, the default applies and the process ends at once.
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  // restic finds out whether a lock's owner lives by sending SIGHUP, whose default would end us.
  process.on("SIGHUP", () => undefined);
  const context = new CommandContext({
    output,
    environment: readCliEnvironment(env),
    signal: interruption.signal,
    clock: () => systemClock.now(),
    version: programVersion(),
  });
  try {
    const program = buildProgram(context);
    await program.parseAsync(spreadVerbose(argv), { from: "user" });
    return context.exitCode;
  } catch (error) {
    return reportFailure(error, output, interruption.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    await output.flush();
  }
}

function buildProgram(context: CommandContext): Command {
  const program = new Command("stowage").exitOverride().configureOutput({
    writeOut: (text) => context.output.result(text),
    writeErr: (text) => context.output.warn(text.trimEnd()),
  });
  program
    .command("version")
    .description("print the version")
    .option("--json", "as a JSON message")
    .action((flags: { json?: boolean }) => {
      const { version, platform, arch } = process;
      const message = { message_type: "version", version: context.version, node_version: version, os: platform, arch };
      if (flags.json === true) context.output.message(message);
      else context.output.result(`stowage ${context.version} on Node ${version.slice(1)}, ${platform}/${arch}\n`);
    });
  addRepoCommands(program, context);
  return program;
}

/** restic also takes --verbose=2; commander counts repetitions. */
function spreadVerbose(argv: readonly string[]): string[] {
  return argv.flatMap((word) => {
    const level = /^--verbose=([0-3])$/.exec(word)?.[1];
    return level === undefined ? [word] : Array.from({ length: Number(level) }, () => "--verbose");
  });
}

function reportFailure(error: unknown, output: Output, signal: AbortSignal): number {
  // commander has already printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.failure;
  if (signal.aborted || RepositoryError.is(error, "cancelled")) {
    output.fatal(
      "interrupted: the repository is consistent, and what was stored already is found again when the command is run again",
      exitCodes.interrupted,
    );
    return exitCodes.interrupted;
  }
  const code = exitCodeOf(error);
  output.fatal(describeFailure(error), code);
  return code;
}

function describeFailure(error: unknown): string {
  if (RepositoryError.is(error)) return `Fatal: ${error.message}\n  next: ${error.hint}`;
  if (error instanceof UsageError) return `Fatal: ${error.message}`;
  return `Fatal: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
