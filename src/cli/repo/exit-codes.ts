// restic's exit codes, so that scripts move over unchanged, and which of our errors ends with which.
import { type ErrorCode, RepositoryError } from "../../../repo-format/index.ts";

export const exitCodes = {
  success: 0,
  failure: 1,
  /** A bug in this program. */
  internal: 2,
  /** Some of the source could not be read (backup), or some snapshots could not be removed (forget). */
  incomplete: 3,
  repositoryMissing: 10,
  lockHeld: 11,
  wrongPassword: 12,
  interrupted: 130,
  /** The reader of our output went away, as a shell reports a program that SIGPIPE ended. */
  outputClosed: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codesOfErrors: Partial<Record<ErrorCode, ExitCode>> = {
  "repository-missing": exitCodes.repositoryMissing,
  "lock-held": exitCodes.lockHeld,
  "wrong-password": exitCodes.wrongPassword,
  cancelled: exitCodes.interrupted,
};

/** The exit code that an error which ended a command stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  return (RepositoryError.is(error) ? codesOfErrors[error.code] : undefined) ?? exitCodes.failure;
}
