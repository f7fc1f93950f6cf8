// The Restores' part of the server: woken by their own changes. A run looks after its volumes itself.
import type { Restore } from "../../api/restore.ts";
import type { Controller } from "../../kube/controller.ts";
import { discoverResources } from "../../kube/discovery.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import { repositoryEnsurer } from "../backup-repository/ensure-repository.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { restoreReconciler } from "./reconciler.ts";
import { RestoreMetrics } from "./restore-metrics.ts";
import { RunningRestores } from "./running-restores.ts";

/** A run holds its worker until its volumes are restored: one more waits only when as many of them are under way. */
const concurrentRestores = 16;

export function restorePart(context: ServerContext, informers: Informers): readonly Controller[] {
  const { client, config } = context;
  const metrics = new RestoreMetrics(context.metrics);
  const { resourceTimeoutMs, maintenanceFrequencyMs } = config;
  const running = new RunningRestores();
  const reconcile = restoreReconciler(
    {
      ...context,
      metrics,
      ensureRepository: repositoryEnsurer({ ...context, resourceTimeoutMs, maintenanceFrequencyMs }),
      discover: (signal) => discoverResources(client, signal),
      volumeRestores: informers.volumeRestores,
      settings: config,
    },
    running,
  );
  const restores = context.control("restore", concurrentRestores, reconcile);
  informers.restores.onChange((change) => {
    metrics.setTotal(informers.restores.list().length);
    if (isUnwanted(change)) running.stop(change.object.metadata.uid ?? "");
    restores.enqueue(keyOfObject(change.object));
  });
  return [restores];
}

function isUnwanted({ type, object }: ObjectChange<Restore>): boolean {
  return type === "deleted" || object.metadata.deletionTimestamp !== undefined;
}
