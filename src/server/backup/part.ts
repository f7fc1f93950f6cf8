// The Backups' part of the server: woken by their own changes, by repositories that become ready, and by volumes that end.
import type { Backup } from "../../api/backup.ts";
import { labels } from "../../api/names.ts";
import { podVolumeStage } from "../../api/phases.ts";
import type { PodVolumeBackup } from "../../api/pod-volume-backup.ts";
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import { repositoryEnsurer } from "../backup-repository/ensure-repository.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { planAnnotation } from "./backup-messages.ts";
import { BackupMetrics } from "./backup-metrics.ts";
import { backupReconciler } from "./reconciler.ts";

/** Ends of volumes come in bursts: a Backup looks at all of them once. */
const burstMs = 200;

export function backupPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const metrics = new BackupMetrics(context.metrics);
  const { resourceTimeoutMs, maintenanceFrequencyMs } = context.config;
  const ensureRepository = repositoryEnsurer({ ...context, resourceTimeoutMs, maintenanceFrequencyMs });
  const reconcile = backupReconciler({ ...context, metrics, settings: context.config, ensureRepository });
  const backups = context.control("backup", 4, reconcile);
  informers.backups.onChange(({ type, object }) => {
    backups.enqueue(keyOfObject(object));
    metrics.setTotal(informers.backups.list().length);
    if (type !== "deleted") metrics.noteSuccess(object);
  });
  informers.repositories.onChange(() => {
    for (const backup of informers.backups.list().filter(isBeingPrepared))
      backups.enqueueAfter(keyOfObject(backup), burstMs);
  });
  informers.volumeBackups.onChange((change) => {
    const backup = backupKeyOf(change.object);
    if (backup !== undefined && concernsBackup(change)) backups.enqueueAfter(backup, burstMs);
  });
  return [backups];
}

function isBeingPrepared(backup: Backup): boolean {
  return backup.status?.phase === "InProgress" && backup.metadata.annotations?.[planAnnotation] === undefined;
}

/** Not the progress that agents write every few seconds. */
function concernsBackup(change: ObjectChange<PodVolumeBackup>): boolean {
  return change.type !== "updated" || podVolumeStage(change.object) !== podVolumeStage(change.previous);
}

function backupKeyOf({ metadata }: PodVolumeBackup): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === "Backup");
  const isOfBackup = owner !== undefined && metadata.labels?.[labels.backupUid] !== undefined;
  return isOfBackup ? `${metadata.namespace}/${owner.name}` : undefined;
}
