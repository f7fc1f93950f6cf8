// One step of a Backup: its phase decides which. Everything that a later step needs is in the custom resources, so that a
// restarted server goes on where the last one stopped.
import type { Backup, BackupPhase } from "../../api/backup.ts";
import { backups, podVolumeBackups } from "../../api/resources.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { asCodedError, explainError } from "../../platform/coded-error.ts";
import { stopVolumes } from "../volume-work/stop-volumes.ts";
import type { BackupContext } from "./backup-context.ts";
import { readPlanRecord } from "./backup-messages.ts";
import { backupTimeout } from "./backup-timeout.ts";
import { endBackup } from "./end-backup.ts";
import { listVolumeBackups, prepareVolumes } from "./prepare-volumes.ts";
import { startBackup } from "./start-backup.ts";
import { waitForVolumes } from "./wait-for-volumes.ts";

type Step = (backup: Backup, context: BackupContext, signal: AbortSignal) => Promise<ReconcileResult>;

const leaveAlone: Step = async () => ({});

/** The phases of Velero's newer servers before the start count as New; what they write after it is theirs to end. */
const steps: Readonly<Record<BackupPhase, Step>> = {
  New: startBackup,
  Queued: startBackup,
  ReadyToStart: startBackup,
  InProgress: superviseBackup,
  FailedValidation: leaveAlone,
  WaitingForPluginOperations: leaveAlone,
  WaitingForPluginOperationsPartiallyFailed: leaveAlone,
  Finalizing: leaveAlone,
  FinalizingPartiallyFailed: leaveAlone,
  Completed: leaveAlone,
  PartiallyFailed: leaveAlone,
  Failed: leaveAlone,
  Deleting: leaveAlone,
};

/** The reconcile function of the Backup controller. */
export function backupReconciler(context: BackupContext): Reconcile {
  return async (key, signal) => {
    const backup = await context.client.find(backups, splitKey(key), { signal });
    if (backup === undefined || backup.metadata.deletionTimestamp !== undefined) return {};
    const phase = backup.status?.phase ?? "";
    const step = steps[phase === "" ? "New" : phase] ?? leaveAlone;
    try {
      return await step(backup, context, signal);
    } catch (error) {
      // Somebody else has changed or deleted the Backup: look again.
      if (KubeError.is(error, "conflict") || KubeError.is(error, "not-found")) return { requeueAfterMs: 100 };
      throw error;
    }
  };
}

/** Outages pass; what can never succeed, or did not until the time was over, ends the Backup with the reason. */
async function superviseBackup(backup: Backup, context: BackupContext, signal: AbortSignal): Promise<ReconcileResult> {
  try {
    const record = readPlanRecord(backup);
    if (record === undefined) return await prepareVolumes(backup, context, signal);
    return await waitForVolumes(backup, record, { context, signal });
  } catch (error) {
    const isPassing = signal.aborted || KubeError.is(error, "conflict") || KubeError.is(error, "not-found");
    const isHopeless = asCodedError(error)?.retry === "never" || isLongOver(backup, context);
    if (isPassing || !isHopeless) throw error;
    await failBackup(backup, context, { error, signal });
    return {};
  }
}

/** Failures that pass may go on for a while after the Backup's time, but not for ever. */
function isLongOver(backup: Backup, context: BackupContext): boolean {
  return -backupTimeout(backup, context).remainingMs > context.settings.resourceTimeoutMs;
}

async function failBackup(
  backup: Backup,
  context: BackupContext,
  { error, signal }: { readonly error: unknown; readonly signal: AbortSignal },
): Promise<void> {
  const failureReason = explainError(error);
  await endBackup(backup, context, { phase: "Failed", failureReason, errors: 1 });
  const items = await listVolumeBackups(backup, context, signal);
  await stopVolumes(podVolumeBackups, items, {
    ...context,
    reason: `its Backup failed: ${failureReason}`,
    isPatienceOver: false,
  });
}
