// How a Backup ends, from its plan and its PodVolumeBackups.
import type { BackupPhase } from "../../api/backup.ts";
import { podVolumePhase, podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { PlanRecord } from "./backup-messages.ts";

export interface BackupResult {
  readonly phase: Extract<BackupPhase, "Completed" | "PartiallyFailed">;
  readonly errors: number;
  readonly warnings: number;
  /** The first reasons; "" when all is well. */
  readonly message: string;
}

/** True when no agent will write to any of them again. */
export function allEnded(volumeBackups: readonly PodVolumeBackup[]): boolean {
  return volumeBackups.every((one) => podVolumeStage(one) === "ended");
}

/** Counts and the first reasons. With `timedOutAfter` (text of a duration) unfinished volumes count as errors. */
export function backupResult(
  plan: PlanRecord,
  volumeBackups: readonly PodVolumeBackup[],
  timedOutAfter?: string,
): BackupResult {
  const reasons = [...plan.errors];
  let failed = 0;
  for (const one of volumeBackups) {
    if (podVolumePhase(one) === "Completed") continue;
    failed++;
    const where = `volume ${one.spec.volume} of pod ${one.spec.pod.namespace}/${one.spec.pod.name}`;
    const ended = podVolumeStage(one) === "ended";
    reasons.push(
      ended
        ? `${where}: ${one.status?.message ?? "no reason is given"}`
        : `${where}: not finished after ${timedOutAfter ?? "the end"}`,
    );
  }
  const missing = Math.max(0, plan.volumes - volumeBackups.length);
  if (missing > 0) reasons.push(`${missing} PodVolumeBackups were deleted before they ended`);
  const errors = plan.errorCount + failed + missing;
  const warnings = plan.warningCount + volumeBackups.filter(hasWarnings).length;
  return { phase: errors > 0 ? "PartiallyFailed" : "Completed", errors, warnings, message: summarise(reasons) };
}

/** The agent lists files that it could not store as they are in an annotation. */
function hasWarnings(one: PodVolumeBackup): boolean {
  return one.metadata.annotations?.["stowage.dev/warnings"] !== undefined;
}

function summarise(reasons: readonly string[]): string {
  const shown = reasons.slice(0, 5).join("; ");
  return reasons.length > 5 ? `${shown}; and ${reasons.length - 5} more` : shown;
}
