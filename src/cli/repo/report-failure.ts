// The last word of a command that did not do what was asked: what failed, how things stand, what to do next.
import { type ErrorCode, RepositoryError } from "../../../repo-format/index.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { InterruptionReason } from "../interruption.ts";
import { isSystemError, reportBug, reportClosedOutput } from "../last-words.ts";
import type { Output } from "../output/output.ts";
import { UsageError } from "../usage-error.ts";

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

const codesOfErrors: Partial<Record<ErrorCode, ExitCode>> = {
  "repository-missing": exitCodes.repositoryMissing,
  "lock-held": exitCodes.lockHeld,
  "wrong-password": exitCodes.wrongPassword,
  cancelled: exitCodes.interrupted,
};

/** The exit code that an error of the engine which ended a command stands for. */
function exitCodeOf(error: RepositoryError): ExitCode {
  return codesOfErrors[error.code] ?? exitCodes.failure;
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
