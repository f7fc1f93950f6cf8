// The repositories' part of the server: woken by their own changes and by those of their location.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { Controller } from "../../kube/controller.ts";
import { keyOfObject } from "../../kube/kube-object.ts";
import type { ObjectChange } from "../../kube/object-store.ts";
import type { Informers, ServerContext } from "../server-context.ts";
import { LockMetrics } from "./lock-metrics.ts";
import { backupRepositoryReconciler } from "./reconciler.ts";
import { RepositoriesInUse } from "./repositories-in-use.ts";
import { VerificationMetrics } from "./verification-metrics.ts";
import { verificationReconciler } from "./verification-reconciler.ts";

export function backupRepositoryPart(context: ServerContext, informers: Informers): readonly Controller[] {
  const inUse = new RepositoriesInUse();
  const maintenance = context.metrics.counter(
    "stowage_repository_maintenance_total",
    "Prunes of repositories, by result",
    ["result"],
  );
  const lockMetrics = new LockMetrics(context.metrics);
  const repositories = context.control(
    "backup-repository",
    8,
    backupRepositoryReconciler({
      ...context,
      inUse,
      maintenanceFrequencyMs: context.config.maintenanceFrequencyMs,
      noteLocks: (repository, locks) => lockMetrics.note(repository, locks),
      countMaintenance: (result) => maintenance.add(1, { result }),
    }),
  );
  informers.repositories.onChange(({ object }) => repositories.enqueue(keyOfObject(object)));
  informers.locations.onChange((change) => {
    if (!concernsRepositories(change)) return;
    for (const repository of informers.repositories.list()) {
      const isThere = repository.spec.backupStorageLocation === change.object.metadata.name;
      if (isThere) repositories.enqueue(keyOfObject(repository));
    }
  });
  return [repositories, ...verification(context, informers, inUse)];
}

function verification(context: ServerContext, informers: Informers, inUse: RepositoriesInUse): readonly Controller[] {
  const { repositoryVerificationPeriodMs: periodMs } = context.config;
  if (periodMs === 0) return [];
  const metrics = new VerificationMetrics(context.metrics);
  // One at a time: it reads a lot and has no hurry.
  const controller = context.control(
    "repository-verification",
    1,
    verificationReconciler({ ...context, inUse, metrics, periodMs }),
  );
  informers.repositories.onChange(({ object }) => controller.enqueue(keyOfObject(object)));
  return [controller];
}

/** Not the time stamps that each validation writes. */
function concernsRepositories(change: ObjectChange<BackupStorageLocation>): boolean {
  if (change.type !== "updated") return true;
  const { object, previous } = change;
  return (
    object.status?.phase !== previous.status?.phase || JSON.stringify(object.spec) !== JSON.stringify(previous.spec)
  );
}
