// A Backup's phase decides what is done. One that can be carried out is, within a single reconcile that may last hours; what a
// restarted server needs is in the custom resources and in the location.
import type { Backup, BackupPhase } from "../../api/backup.ts";
import { backups } from "../../api/resources.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import type { BackupContext } from "./backup-context.ts";
import { resumeBackup } from "./resume-backup.ts";
import type { BegunBackup } from "./run/begun-backup.ts";
import { runBackup } from "./run/run-backup.ts";
import { claimantOf } from "./run/run-claim.ts";
import { startBackup } from "./start-backup.ts";

type Step = (backup: Backup, context: BackupContext, signal: AbortSignal) => Promise<ReconcileResult | BegunBackup>;

const leaveAlone: Step = async () => ({});

/** Velero writes these phases, too; what it has begun to finalize is its to end. */
const resumeOwn: Step = async (backup, context, signal) =>
  claimantOf(backup) === undefined ? {} : await resumeBackup(backup, context, signal);

/** The phases of Velero's newer servers before the start count as New; what they write after it is theirs to end. */
const steps: Readonly<Record<BackupPhase, Step>> = {
  New: startBackup,
  Queued: startBackup,
  ReadyToStart: startBackup,
  InProgress: resumeBackup,
  Finalizing: resumeOwn,
  FinalizingPartiallyFailed: resumeOwn,
  FailedValidation: leaveAlone,
  WaitingForPluginOperations: leaveAlone,
  WaitingForPluginOperationsPartiallyFailed: leaveAlone,
  Completed: leaveAlone,
  PartiallyFailed: leaveAlone,
  Failed: leaveAlone,
  Deleting: leaveAlone,
};

/**
 * The reconcile function of the Backup controller.
 * @param carryOut for tests of what comes before it.
 */
export function backupReconciler(context: BackupContext, carryOut: typeof runBackup = runBackup): Reconcile {
  return async (key, signal) => {
    const backup = await context.client.find(backups, splitKey(key), { signal });
    if (backup === undefined || backup.metadata.deletionTimestamp !== undefined) return {};
    const phase = backup.status?.phase ?? "";
    const step = steps[phase === "" ? "New" : phase] ?? leaveAlone;
    try {
      const result = await step(backup, context, signal);
      if (!("location" in result)) return result;
      await carryOut(result, context, signal);
      return {};
    } catch (error) {
      // Somebody else has changed or deleted the Backup: look again.
      if (KubeError.is(error, "conflict") || KubeError.is(error, "not-found")) return { requeueAfterMs: 100 };
      throw error;
    }
  };
}
