// Last words that all commands have in common: nobody reads the output any more, the operating system refuses, a bug.
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import type { Output } from "./output/output.ts";

/** A reader that has seen enough is no failure to speak of; a full disk below a redirection is. */
export function reportClosedOutput(error: Error, output: Output): ExitCode {
  if ((error as NodeJS.ErrnoException).code === "EPIPE") return exitCodes.outputClosed;
  output.fatal(`Fatal: cannot write to standard output: ${error.message}`, exitCodes.failure);
  return exitCodes.failure;
}

export function reportBug(error: unknown, output: Output): ExitCode {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = output.verbosity > 0 && error instanceof Error ? `\n${error.stack}` : "\n  next: -v shows where";
  output.fatal(`Fatal: a bug in stowage: ${message}${stack}`, exitCodes.internal);
  return exitCodes.internal;
}

/** What the operating system said, for example about a file that is named on the command line. */
export function isSystemError(error: unknown): error is Error {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
