// How long the volumes of a Backup may take together, counted from the Backup's start (velero-contract: the flag
// --fs-backup-timeout, or an annotation of the Backup).
import type { Backup } from "../../api/backup.ts";
import { annotations } from "../../api/names.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import { parseDuration } from "../../platform/duration.ts";
import type { BackupContext } from "./backup-context.ts";

export interface BackupTimeout {
  readonly timeoutMs: number;
  /** Until the time is over; negative after that. */
  readonly remainingMs: number;
  readonly isOver: boolean;
}

export function backupTimeout(
  backup: Backup,
  { clock, settings }: Pick<BackupContext, "clock" | "settings">,
): BackupTimeout {
  const wanted = parseDuration(backup.metadata.annotations?.[annotations.podVolumeTimeout] ?? "") ?? 0;
  const timeoutMs = wanted > 0 ? wanted : settings.fsBackupTimeoutMs;
  const startMs = parseTimestamp(backup.status?.startTimestamp) ?? clock.now();
  const remainingMs = startMs + timeoutMs - clock.now();
  return { timeoutMs, remainingMs, isOver: remainingMs <= 0 };
}
