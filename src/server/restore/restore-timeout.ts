// How long the volumes of a Restore may take together, counted from the Restore's start (the flag --fs-backup-timeout, or an
// annotation of the Restore).
import { annotations } from "../../api/names.ts";
import type { Restore } from "../../api/restore.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import { parseDuration } from "../../platform/duration.ts";
import type { RestoreContext } from "./restore-context.ts";

export interface RestoreTimeout {
  readonly timeoutMs: number;
  /** Until the time is over; negative after that. */
  readonly remainingMs: number;
}

export function restoreTimeout(
  restore: Restore,
  { clock, settings }: Pick<RestoreContext, "clock" | "settings">,
): RestoreTimeout {
  const wanted = parseDuration(restore.metadata.annotations?.[annotations.podVolumeTimeout] ?? "") ?? 0;
  const timeoutMs = wanted > 0 ? wanted : settings.fsBackupTimeoutMs;
  const startMs = parseTimestamp(restore.status?.startTimestamp) ?? clock.now();
  return { timeoutMs, remainingMs: startMs + timeoutMs - clock.now() };
}
