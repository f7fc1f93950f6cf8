// restic's exit codes, so that scripts move over unchanged, and which of our errors ends with which.
import { RepositoryError } from "../../repo-format/index.ts";

export const exitCodes = {
  success: 0,
  failure: 1,
  /** Some of the source could not be read (backup), or some snapshots could not be removed (forget). */
  incomplete: 3,
  repositoryMissing: 10,
  lockHeld: 11,
  wrongPassword: 12,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit code that an error which ended a command stands for. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!RepositoryError.is(error)) return exitCodes.failure;
  switch (error.code) {
    case "repository-missing":
      return exitCodes.repositoryMissing;
    case "lock-held":
      return exitCodes.lockHeld;
    case "wrong-password":
      return exitCodes.wrongPassword;
    case "cancelled":
      return exitCodes.interrupted;
    default:
      return exitCodes.failure;
  }
}
