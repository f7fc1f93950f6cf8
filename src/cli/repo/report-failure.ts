// The last word of a command that did not do what was asked: what failed, how things stand, what to do next.
import { RepositoryError } from "../../../repo-format/index.ts";
import type { InterruptionReason } from "../interruption.ts";
import type { Output } from "../output/output.ts";
import { UsageError } from "../usage-error.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";

export interface FailureCircumstances {
  readonly output: Output;
  readonly interruption: InterruptionReason | undefined;
  /** The verb, such as "backup"; undefined when none had begun. */
  readonly verb: string | undefined;
}

/** Says why the command ended, once and in one place. @returns the exit code */
export function reportFailure(error: unknown, { output, interruption, verb }: FailureCircumstances): ExitCode {
  if (interruption?.kind === "output") return reportClosedOutput(interruption.error, output);
  if (interruption?.kind === "crash") return reportBug(interruption.error, output);
  if (interruption !== undefined || RepositoryError.is(error, "cancelled")) {
    output.fatal(`interrupted\n  ${afterInterruption(verb)}`, exitCodes.interrupted);
    return exitCodes.interrupted;
  }
  if (error instanceof UsageError) {
    output.fatal(`Fatal: ${error.message}`, exitCodes.failure);
    return exitCodes.failure;
  }
  if (RepositoryError.is(error)) {
    const code = exitCodeOf(error);
    output.fatal(`Fatal: ${error.message}\n  next: ${error.hint}`, code);
    return code;
  }
  if (isSystemError(error)) {
    output.fatal(`Fatal: ${error.message}`, exitCodes.failure);
    return exitCodes.failure;
  }
  return reportBug(error, output);
}

/** A reader that has seen enough is no failure to speak of; a full disk below a redirection is. */
function reportClosedOutput(error: Error, output: Output): ExitCode {
  if ((error as NodeJS.ErrnoException).code === "EPIPE") return exitCodes.outputClosed;
  output.fatal(`Fatal: cannot write to standard output: ${error.message}`, exitCodes.failure);
  return exitCodes.failure;
}

function reportBug(error: unknown, output: Output): ExitCode {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = output.verbosity > 0 && error instanceof Error ? `\n${error.stack}` : "\n  next: -v shows where";
  output.fatal(`Fatal: a bug in stowage: ${message}${stack}`, exitCodes.internal);
  return exitCodes.internal;
}

/** What the operating system said, for example about a file that is named on the command line. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

function afterInterruption(verb: string | undefined): string {
  switch (verb) {
    case "backup":
      return "no snapshot was made, and the repository is sound; run the same command again: what is stored already is not sent again";
    case "restore":
      return "the target is incomplete; run the same command again: what is there already is not fetched again";
    case "prune":
    case "forget":
      return "the repository is sound, nothing that a snapshot needs was removed; run the same command again to finish";
    case "copy":
      return "the target is sound; run the same command again: what is stored there already is not copied again";
    case "repair index":
    case "repair snapshots":
    case "recover":
    case "migrate":
      return "nothing that was there is lost; run the same command again to finish";
    case "repair packs":
      return "nothing that was there is lost; move the copies that were written away, and run the same command again";
    case "check":
      return "nothing was changed; what was looked at so far says nothing about the rest";
    default:
      return "the repository is sound; run the same command again";
  }
}
