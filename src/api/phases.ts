// Which phase means what, as tables. The agent writes the first generation's four phases only; the later ones are read,
// because objects of a newer Velero may be met.

import type { BackupPhase } from "./backup.ts";

export type PodVolumePhase =
  | "New"
  | "Accepted"
  | "Prepared"
  | "InProgress"
  | "Canceling"
  | "Canceled"
  | "Completed"
  | "Failed";

/** unclaimed: nobody works on it · claimed: an agent does · ended: never touched again. */
export type PodVolumeStage = "unclaimed" | "claimed" | "ended";

export const podVolumeStages: Readonly<Record<PodVolumePhase, PodVolumeStage>> = {
  New: "unclaimed",
  Accepted: "claimed",
  Prepared: "claimed",
  InProgress: "claimed",
  Canceling: "claimed",
  Canceled: "ended",
  Completed: "ended",
  Failed: "ended",
};

/** An absent or empty phase is New: real Velero creates PodVolumeBackups without one. */
export function podVolumePhase(object: { readonly status?: { readonly phase?: PodVolumePhase | "" } }): PodVolumePhase {
  const phase = object.status?.phase;
  return phase === undefined || phase === "" ? "New" : phase;
}

export function podVolumeStage(object: { readonly status?: { readonly phase?: PodVolumePhase | "" } }): PodVolumeStage {
  return podVolumeStages[podVolumePhase(object)] ?? "claimed";
}

const endedBackupPhases: ReadonlySet<string> = new Set<BackupPhase>([
  "FailedValidation",
  "Completed",
  "PartiallyFailed",
  "Failed",
]);

/** Also right for a Restore: its end phases have the same names. */
export function isBackupEnded(object: { readonly status?: { readonly phase?: string } }): boolean {
  return endedBackupPhases.has(object.status?.phase ?? "");
}
