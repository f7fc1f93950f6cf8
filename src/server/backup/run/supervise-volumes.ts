// Looks after a Backup's volumes while it runs: finds out what the watch has missed, and ends what is not finished when the
// Backup's time is over. An agent may take a while to stop; one that does not answer is not waited for.
import { annotations } from "../../../api/names.ts";
import { podVolumeBackups } from "../../../api/resources.ts";
import { errorFacts } from "../../../platform/coded-error.ts";
import { formatDuration } from "../../../platform/duration.ts";
import { stopVolumes } from "../../volume-work/stop-volumes.ts";
import type { BackupContext } from "../backup-context.ts";
import { backupTimeout } from "../backup-timeout.ts";
import { listVolumeBackups } from "../list-volume-backups.ts";
import type { BackupRecord } from "./backup-record.ts";
import type { VolumeResults } from "./volume-results.ts";

/** The watch brings every change at once; this is for what it may have missed. */
const refreshMs = 30_000;
const stopPollMs = 1000;
/** So long an agent may take to stop before the server ends its PodVolumeBackup itself. */
const agentPatienceMs = 30_000;

export interface Supervision {
  readonly record: Pick<BackupRecord, "backup">;
  readonly results: VolumeResults;
  readonly context: BackupContext;
  readonly signal: AbortSignal;
}

/** Until the signal fires. */
export async function superviseVolumes(supervision: Supervision): Promise<void> {
  const { record, context, signal } = supervision;
  while (!signal.aborted) {
    try {
      const { isOver, remainingMs } = backupTimeout(record.backup, context);
      if (isOver) await stopUnfinished(supervision, -remainingMs > agentPatienceMs);
      await context.clock.sleep(isOver ? stopPollMs : Math.min(refreshMs, remainingMs), signal);
      await refreshVolumes(supervision);
    } catch (error) {
      if (signal.aborted) return;
      context.log.debug("looking after a backup's volumes failed, will try again", errorFacts(error));
      await context.clock.sleep(stopPollMs, signal).catch(() => undefined);
    }
  }
}

/** Takes in what the API server has now. */
export async function refreshVolumes({ record, results, context, signal }: Supervision): Promise<void> {
  const known = results.names;
  results.noteList(await listVolumeBackups(record.backup, context, signal), known);
}

async function stopUnfinished({ record, results, context }: Supervision, isPatienceOver: boolean): Promise<void> {
  const reason = timeOverText(record, context);
  await stopVolumes(podVolumeBackups, results.unfinished, { ...context, reason, isPatienceOver });
}

/** Said of volumes that were not finished in time. */
export function timeOverText({ backup }: Pick<BackupRecord, "backup">, context: BackupContext): string {
  const time = formatDuration(backupTimeout(backup, context).timeoutMs);
  return `not finished within ${time}, the time for all volumes of its Backup; raise --fs-backup-timeout or the Backup's annotation ${annotations.podVolumeTimeout}`;
}
