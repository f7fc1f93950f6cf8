// The Backups' part of the server: woken by their own changes; repositories that become ready and volumes that end are brought
// to the Backups under way.
import { randomBytes } from "node:crypto";
import type { Backup } from "../../api/backup.ts";
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import { repositoryEnsurer } from "../backup-repository/ensure-repository.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { BackupMetrics } from "./backup-metrics.ts";
import { backupReconciler } from "./reconciler.ts";
import { ActiveRuns } from "./run/active-runs.ts";
import { claimantOf, ForeignClaims } from "./run/run-claim.ts";
import { Slots } from "./run/slots.ts";

/** Under way, most of them waiting for volumes; further ones stay New. */
const backupsAtOnce = 50;

export function backupPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const { config, clock } = context;
  const metrics = new BackupMetrics(context.metrics);
  const runs = new ActiveRuns(clock);
  const claims = new ForeignClaims(clock);
  const { resourceTimeoutMs, maintenanceFrequencyMs } = config;
  const reconcile = backupReconciler({
    ...context,
    ...{ metrics, settings: config, runs, claims },
    ensureRepository: repositoryEnsurer({ ...context, resourceTimeoutMs, maintenanceFrequencyMs }),
    process: randomBytes(6).toString("hex"),
    slots: new Slots(config.concurrentBackups),
  });
  const backups = context.control("backup", backupsAtOnce, reconcile);
  informers.backups.onChange((change) => {
    const { type, object } = change;
    runs.backupChanged(change);
    if (!informers.backups.isSynced) claims.inherit(object);
    if (type === "deleted") claims.forget(object.metadata.uid ?? "");
    if (isWorthALook(change)) backups.enqueue(keyOfObject(object));
    metrics.setTotal(informers.backups.list().length);
    if (type !== "deleted") metrics.noteSuccess(object);
  });
  informers.repositories.onChange(({ object }) => runs.repositoryChanged(object.spec.volumeNamespace));
  informers.volumeBackups.onChange((change) => runs.volumeChanged(change));
  return [backups];
}

/** Not what a run itself writes every second or minute. */
function isWorthALook(change: ObjectChange<Backup>): boolean {
  if (change.type !== "updated") return true;
  const { object, previous } = change;
  return object.status?.phase !== previous.status?.phase || claimantOf(object) !== claimantOf(previous);
}
