// One step of a Backup: its phase decides which. Everything that a later step needs is in the custom resources, so that a
// restarted server goes on where the last one stopped.
import type { Backup, BackupPhase } from "../../api/backup.ts";
import { backups } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { EnsureRepository } from "../backup-repository/ensure-repository.ts";
import { startBackup, superviseBackup } from "./steps.ts";

export interface BackupReconcilerOptions {
  readonly client: TypedClient;
  /** Where Velero's resources live. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ensureRepository: EnsureRepository;
  /** --default-volumes-to-fs */
  readonly defaultVolumesToFs: boolean;
  readonly fsBackupTimeoutMs: number;
  readonly defaultTtlMs: number;
  /** Called once for each Backup that ends, with its phase. */
  readonly countEnd: (phase: string) => void;
}

type Step = (backup: Backup, options: BackupReconcilerOptions, signal: AbortSignal) => Promise<ReconcileResult>;

const done: Step = async () => ({});

/** Phases that Velero's newer servers write count as running where they mean work that is left to do. */
const steps: Readonly<Record<BackupPhase, Step>> = {
  New: startBackup,
  Queued: startBackup,
  ReadyToStart: startBackup,
  InProgress: superviseBackup,
  FailedValidation: done,
  WaitingForPluginOperations: done,
  WaitingForPluginOperationsPartiallyFailed: done,
  Finalizing: done,
  FinalizingPartiallyFailed: done,
  Completed: done,
  PartiallyFailed: done,
  Failed: done,
  Deleting: done,
};

/** The reconcile function of the Backup controller. */
export function backupReconciler(
  options: BackupReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<ReconcileResult> {
  return async (key, signal) => {
    const name = key.slice(key.indexOf("/") + 1);
    const backup = await options.client.find(backups, { namespace: options.namespace, name }, { signal });
    if (backup === undefined || backup.metadata.deletionTimestamp !== undefined) return {};
    const phase = backup.status?.phase;
    const step = steps[phase === undefined || phase === "" ? "New" : phase] ?? done;
    try {
      return await step(backup, options, signal);
    } catch (error) {
      // Somebody else changed the object: look again.
      if (KubeError.is(error, "conflict")) return { requeueAfterMs: 100 };
      throw error;
    }
  };
}
