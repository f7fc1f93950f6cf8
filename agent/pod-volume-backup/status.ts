// How a PodVolumeBackup ends: engine result or error → status, annotations and message.

import { annotations } from "../../src/api/names.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import { formatTimestamp } from "../../src/platform/clock.ts";
import type { BackedUpVolume } from "../data-path/backup-volume.ts";
import { describeFailure, failureState, warningList } from "../volume-work/end-state.ts";
import { settingsText, type VolumeSettings } from "../volume-work/volume-settings.ts";
import type { EndState } from "../volume-work/volume-work.ts";
import { reportText, type VolumeReport } from "./report.ts";

export interface BackupResult extends Omit<BackedUpVolume, "report" | "lockingSeconds"> {
  readonly report: VolumeReport;
  /** The volume's directory. */
  readonly path: string;
  /** What its owner asked for. */
  readonly settings: VolumeSettings;
}

const emptyVolumeMessage = "volume was empty so no snapshot was taken";

export function completedBackup(result: BackupResult, nowMs: number): EndState {
  const message = messageOfResult(result);
  const settings = settingsText(result.settings);
  return {
    status: {
      phase: "Completed",
      path: result.path,
      snapshotID: result.snapshotId,
      completionTimestamp: formatTimestamp(nowMs),
      progress: { totalBytes: result.totalBytes, bytesDone: result.totalBytes },
      incrementalBytes: result.addedBytes,
      ...(message === "" ? {} : { message }),
    },
    annotations: {
      [annotations.report]: reportText(result.report),
      ...(settings === undefined ? {} : { [annotations.volumeSettings]: settings }),
      ...(result.warningCount === 0 ? {} : { [annotations.warnings]: warningList(result.warnings) }),
    },
    reason: "",
  };
}

export function failedBackup(error: unknown, nowMs: number): EndState {
  const { message, reason } = describeFailure(error, "backup");
  return failureState(message, reason, nowMs);
}

/** Why this agent will not do it; undefined when it will. */
export function backupRefusal(backup: PodVolumeBackup, nowMs: number): EndState | undefined {
  const { uploaderType = "", cancel } = backup.spec;
  if (cancel === true) return failureState("canceled before it was begun", "cancelled", nowMs);
  if (uploaderType === "" || uploaderType === "restic") return undefined;
  const message = `uploader type ${uploaderType} is not supported: this agent stores volumes in restic repositories only; start Velero's server with --uploader-type=restic (1.16 and before), or use stowage's own server`;
  return failureState(message, "uploader-unsupported", nowMs);
}

function messageOfResult(result: BackupResult): string {
  const { exclude, origins } = result.settings;
  const count = exclude.length === 0 ? 0 : result.report.excludedCount;
  const leftOut = count === 0 ? "" : `${count} entries were left out, see the ${origins.exclude}`;
  if (result.isEmpty) return leftOut === "" ? emptyVolumeMessage : `${emptyVolumeMessage}: ${leftOut}`;
  return [messageOfWarnings(result), leftOut].filter((part) => part !== "").join("; ");
}

function messageOfWarnings(result: BackupResult): string {
  const [first] = result.warnings;
  if (first === undefined) return "";
  const kinds = Map.groupBy(result.warnings, (warning) => warning.kind);
  const counts = [...kinds].map(([kind, warnings]) => `${warnings.length} ${kind}`).join(", ");
  return `completed with ${result.warningCount} warnings (${counts}); the first: ${first.path}: ${first.message}; more in the annotation ${annotations.warnings}`;
}
