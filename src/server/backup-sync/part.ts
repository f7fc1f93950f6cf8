// The part of the server that keeps the cluster's Backups and those of the locations alike.
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { backupSyncReconciler } from "./reconciler.ts";
import { StoredBackups } from "./stored-backups.ts";

export function backupSyncPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const known = new StoredBackups();
  const { metrics } = context;
  const reconcile = backupSyncReconciler({
    ...context,
    locations: informers.locations,
    backups: informers.backups,
    known,
    syncPeriodMs: context.config.backupSyncPeriodMs,
    metrics: {
      broughtIn: metrics.counter("stowage_backups_synced_total", "Backups brought in from a location", ["location"]),
      removed: metrics.counter("stowage_backups_vanished_total", "Backups removed because their location lost them", [
        "location",
      ]),
    },
  });
  const sync = context.control("backup-sync", 2, reconcile);
  informers.backups.onChange((change) => known.observe(change));
  informers.locations.onChange(({ object }) => sync.enqueue(keyOfObject(object)));
  return [sync];
}
