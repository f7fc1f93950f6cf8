// How a Backup ends, from its plan and its PodVolumeBackups.
import type { BackupPhase } from "../../api/backup.ts";
import { annotations } from "../../api/names.ts";
import { podVolumePhase, podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { PlanRecord } from "./backup-messages.ts";

export interface BackupResult {
  readonly phase: Extract<BackupPhase, "Completed" | "PartiallyFailed">;
  readonly errors: number;
  readonly warnings: number;
  /** The first reasons; "" when all is well. */
  readonly message: string;
  readonly completedVolumes: number;
  readonly failedVolumes: number;
}

const shownReasons = 5;

/** True when no agent will write to any of them again. */
export function allEnded(volumeBackups: readonly PodVolumeBackup[]): boolean {
  return volumeBackups.every((one) => podVolumeStage(one) === "ended");
}

/**
 * For PodVolumeBackups that have all ended.
 * @param timeOver said of those that were asked to stop; absent while the Backup has time left.
 */
export function backupResult(
  plan: PlanRecord,
  volumeBackups: readonly PodVolumeBackup[],
  timeOver?: string,
): BackupResult {
  const failed = volumeBackups.filter((one) => podVolumePhase(one) !== "Completed");
  const missing = Math.max(0, plan.volumes - volumeBackups.length);
  const reasons = [
    ...plan.errors,
    ...(missing === 0 ? [] : [`PodVolumeBackups that were deleted before they ended: ${missing}`]),
    ...failed.map((one) => reasonOf(one, timeOver)),
  ];
  const errors = plan.errorCount + failed.length + missing;
  return {
    phase: errors > 0 ? "PartiallyFailed" : "Completed",
    errors,
    warnings: plan.warningCount + volumeBackups.filter(hasWarnings).length,
    message: summarise(reasons, errors),
    completedVolumes: volumeBackups.length - failed.length,
    failedVolumes: failed.length + missing,
  };
}

function reasonOf({ spec, status }: PodVolumeBackup, timeOver: string | undefined): string {
  const where = `volume ${spec.volume} of pod ${spec.pod.namespace}/${spec.pod.name}`;
  const wasStopped = timeOver !== undefined && spec.cancel === true;
  const message = status?.message ?? "";
  const said = message === "" ? "no reason is given" : message;
  return wasStopped && !said.includes(timeOver) ? `${where}: ${timeOver} (${said})` : `${where}: ${said}`;
}

/** The agent lists files that it could not store as they are in an annotation. */
function hasWarnings(one: PodVolumeBackup): boolean {
  return one.metadata.annotations?.[annotations.warnings] !== undefined;
}

function summarise(reasons: readonly string[], count: number): string {
  const shown = reasons.slice(0, shownReasons);
  const hidden = count - shown.length;
  return [...shown, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join("; ");
}
