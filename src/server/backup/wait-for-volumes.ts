// The last step of a Backup: waits until all its PodVolumeBackups have ended, by themselves or because the time is over,
// and writes what came of them.
import type { Backup } from "../../api/backup.ts";
import { annotations } from "../../api/names.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import { podVolumeBackups } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { formatDuration } from "../../platform/duration.ts";
import { stopVolumes } from "../volume-work/stop-volumes.ts";
import type { BackupContext } from "./backup-context.ts";
import type { PlanRecord } from "./backup-messages.ts";
import { allEnded, backupResult } from "./backup-result.ts";
import { backupTimeout } from "./backup-timeout.ts";
import { endBackup, patchBackup } from "./end-backup.ts";
import { listVolumeBackups } from "./prepare-volumes.ts";

/** PodVolumeBackups wake the Backup when they end; this is for events that were missed. */
const supervisePollMs = 10_000;
const stopPollMs = 1000;
/** So long an agent may take to stop before the server ends its PodVolumeBackup itself. */
const agentPatienceMs = 30_000;

export async function waitForVolumes(
  backup: Backup,
  record: PlanRecord,
  { context, signal }: { readonly context: BackupContext; readonly signal: AbortSignal },
): Promise<ReconcileResult> {
  // The local copy may lag behind a creation; the list at the API server cannot.
  const items = await listVolumeBackups(backup, context, signal);
  if (allEnded(items)) {
    await endWithResult(backup, context, { record, items });
    return {};
  }
  const { isOver, remainingMs } = backupTimeout(backup, context);
  if (isOver) {
    const reason = timeOver(backup, context);
    await stopVolumes(podVolumeBackups, items, { ...context, reason, isPatienceOver: -remainingMs > agentPatienceMs });
    return { requeueAfterMs: stopPollMs };
  }
  const itemsBackedUp = items.filter((one) => podVolumeStage(one) === "ended").length;
  if (itemsBackedUp !== (backup.status?.progress?.itemsBackedUp ?? 0)) {
    const totalItems = Math.max(record.volumes, items.length);
    await patchBackup(backup, context, { status: { progress: { totalItems, itemsBackedUp } } });
  }
  return { requeueAfterMs: Math.min(supervisePollMs, remainingMs) };
}

async function endWithResult(
  backup: Backup,
  context: BackupContext,
  { record, items }: { readonly record: PlanRecord; readonly items: readonly PodVolumeBackup[] },
): Promise<void> {
  const reason = backupTimeout(backup, context).isOver ? timeOver(backup, context) : undefined;
  const { phase, errors, warnings, message, completedVolumes, failedVolumes } = backupResult(record, items, reason);
  await endBackup(backup, context, {
    phase,
    errors,
    warnings,
    progress: { totalItems: Math.max(record.volumes, items.length), itemsBackedUp: completedVolumes },
    ...(message === "" ? {} : { failureReason: message }),
  });
  context.metrics.countVolumes("completed", completedVolumes);
  context.metrics.countVolumes("failed", failedVolumes);
}

function timeOver(backup: Backup, context: BackupContext): string {
  const time = formatDuration(backupTimeout(backup, context).timeoutMs);
  return `not finished within ${time}, the time for all volumes of its Backup; raise --fs-backup-timeout or the Backup's annotation ${annotations.podVolumeTimeout}`;
}
