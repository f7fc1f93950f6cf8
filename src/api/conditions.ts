// Conditions as Kubernetes writes them, beside Velero's phases, and the closed list of their reasons. Docs and tests read
// the table; a reason that is not in it cannot be written.

export interface Condition {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: ConditionReason;
  readonly message: string;
  /** RFC 3339; when `status` last changed. */
  readonly lastTransitionTime: string;
}

/** What a condition is about, and on which kinds it stands. */
export const conditionTypes = {
  Accepted: "Backup, Restore, Schedule: the spec was checked, and can be carried out or cannot",
  Succeeded: "Backup, Restore: it ended well; False with the reason when not; Unknown while it runs",
  Verified: "BackupRepository: what the rolling verification has found so far",
  DeletionsPaused: "BackupStorageLocation: more was to be deleted in an hour than is usual; somebody has to agree",
} as const;

export type ConditionType = keyof typeof conditionTypes;

/** Every reason, with what it says. */
export const conditionReasons = {
  Valid: "the spec can be carried out",
  Invalid: "the spec cannot be carried out; the message says why",
  Running: "it has begun and has not ended",
  Completed: "it ended, and nothing is missing",
  PartiallyFailed: "it ended, and something is missing; the results say what",
  Failed: "it could not be carried out; the message says why",
  AllVerified: "all that the repository holds was read and verified within the period",
  VerificationRunning: "not everything was read yet; so far nothing is wrong",
  VerificationOverdue: "it is long since all was read; so far nothing is wrong",
  Damaged: "something stored is damaged or missing; the message names the snapshots that suffer",
  TooManyDeletions: "more Backups were to be deleted in an hour than is usual; the message says how to agree",
  DeletionsUsual: "deletions go on",
} as const;

export type ConditionReason = keyof typeof conditionReasons;
