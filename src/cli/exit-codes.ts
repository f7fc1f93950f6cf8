// What the exit codes of all commands mean: restic's where restic has them, so that scripts move over unchanged.

export const exitCodes = {
  success: 0,
  failure: 1,
  /** A bug in this program. */
  internal: 2,
  /** Done, but not all of it: files that could not be read, snapshots that stay, a Backup that is PartiallyFailed. */
  incomplete: 3,
  repositoryMissing: 10,
  lockHeld: 11,
  wrongPassword: 12,
  interrupted: 130,
  /** The reader of our output went away, as a shell reports a program that SIGPIPE ended. */
  outputClosed: 141,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
