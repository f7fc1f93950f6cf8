// The deletions' part of the server: expired Backups, and requests to delete one.
import { randomBytes } from "node:crypto";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import type { DeletionContext } from "./deletion-context.ts";
import { DeletionMetrics } from "./deletion-metrics.ts";
import { garbageCollector } from "./garbage-collector.ts";
import { deletionReconciler } from "./request-reconciler.ts";

export function deletionPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const { deletionLimit, garbageCollectionFrequencyMs } = context.config;
  const deletion: DeletionContext = {
    ...context,
    metrics: new DeletionMetrics(context.metrics),
    deletionLimit,
    retryFrequencyMs: garbageCollectionFrequencyMs,
    // An object without a spec is no object of anybody's, but the API server takes it.
    requestsFor: (name) => informers.deletions.list().filter(({ spec }) => spec?.backupName === name),
    restoresOf: (name) => informers.restores.list().filter(({ spec }) => spec?.backupName === name),
    isReady: () => informers.deletions.isSynced && informers.restores.isSynced,
    newToken: () => randomBytes(4).toString("hex"),
  };
  const requests = context.control("backup-deletion", 4, deletionReconciler(deletion));
  const garbage = context.control("garbage-collection", 4, garbageCollector(deletion));
  informers.deletions.onChange(({ object }) => requests.enqueue(keyOfObject(object)));
  informers.backups.onChange(({ object }) => garbage.enqueue(keyOfObject(object)));
  informers.locations.onChange((change) => {
    if (!concernsDeletions(change)) return;
    for (const request of informers.deletions.list()) {
      if (request.status?.phase !== "Processed") requests.enqueue(keyOfObject(request));
    }
    for (const backup of informers.backups.list()) {
      if (backup.spec?.storageLocation === change.object.metadata.name) garbage.enqueue(keyOfObject(backup));
    }
  });
  return [requests, garbage];
}

/** Not the time stamps that each validation writes, nor the deletions that are counted. */
function concernsDeletions(change: ObjectChange<BackupStorageLocation>): boolean {
  if (change.type !== "updated") return true;
  const facts = ({ metadata, spec, status }: BackupStorageLocation): string =>
    JSON.stringify([spec.accessMode, status?.phase, metadata.annotations?.[annotations.allowDeletions]]);
  return facts(change.object) !== facts(change.previous);
}
