// The server's three controllers (BackupStorageLocation, BackupRepository, Backup) and what wakes them: changes of their
// own resources, and of those that they wait for.
import type { Backup } from "../api/backup.ts";
import type { BackupStorageLocation } from "../api/backup-storage-location.ts";
import { labels } from "../api/names.ts";
import { podVolumeStage } from "../api/phases.ts";
import type { PodVolumeBackup } from "../api/pod-volume-backup.ts";
import { backupRepositories, backupStorageLocations, backups, podVolumeBackups } from "../api/resources.ts";
import { Controller, controllerMetrics, type Reconcile } from "../kube/controller.ts";
import type { CrdLookup } from "../kube/crd-lookup.ts";
import type { EventRecorder } from "../kube/events.ts";
import { Informer } from "../kube/informer.ts";
import { type AnyKubeObject, keyOfObject, type ResourceDescriptor } from "../kube/kube-object.ts";
import type { ObjectChange } from "../kube/object-store.ts";
import type { TypedClient } from "../kube/typed-client.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { planAnnotation } from "./backup/backup-messages.ts";
import { BackupMetrics } from "./backup/backup-metrics.ts";
import { backupReconciler } from "./backup/reconciler.ts";
import { repositoryEnsurer } from "./backup-repository/ensure-repository.ts";
import { backupRepositoryReconciler } from "./backup-repository/reconciler.ts";
import type { RepositoryCare } from "./backup-repository/repository-care.ts";
import type { ServerConfig } from "./server-config.ts";
import { storageLocationReconciler } from "./storage-location/reconciler.ts";

export interface ServerContext {
  readonly config: ServerConfig;
  readonly client: TypedClient;
  readonly crds: CrdLookup;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly care: RepositoryCare;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** Names of the folders at the top of a location. */
  readonly listTopFolders: (location: BackupStorageLocation, signal: AbortSignal) => Promise<readonly string[]>;
}

/** Ends of volumes come in bursts: a Backup looks at all of them once. */
const burstMs = 200;

export interface RunningControllers {
  /** Resolves when all have ended after the signal. */
  readonly ended: Promise<void>;
  /** The first list of each resource is in. */
  readonly isSynced: () => boolean;
}

/** Runs until the signal fires. */
export function startControllers(context: ServerContext, signal: AbortSignal): RunningControllers {
  const backupMetrics = new BackupMetrics(context.metrics);
  const controllers = createControllers(context, backupMetrics);
  const informers = createInformers(context);
  wakeControllers(controllers, informers);
  informers.backups.onChange(({ type, object }) => {
    backupMetrics.setTotal(informers.backups.list().length);
    if (type !== "deleted") backupMetrics.noteSuccess(object);
  });
  const all = Object.values(informers);
  const runs = [
    ...all.map((informer) => informer.run(signal)),
    ...Object.values(controllers).map((controller) => controller.run(signal)),
  ];
  return { ended: Promise.all(runs).then(() => undefined), isSynced: () => all.every((informer) => informer.isSynced) };
}

type Controllers = Readonly<Record<"locations" | "repositories" | "backups", Controller>>;

function createControllers(context: ServerContext, backupMetrics: BackupMetrics): Controllers {
  const { config, client, crds, namespace, clock, log, events, metrics, care, redact } = context;
  const shared = { client, namespace, clock, log };
  const measured = controllerMetrics(metrics);
  const control = (name: string, concurrency: number, reconcile: Reconcile): Controller =>
    new Controller({ name, concurrency, reconcile, log, clock, metrics: measured });
  const { resourceTimeoutMs, maintenanceFrequencyMs } = config;
  const maintenance = metrics.counter("stowage_repository_maintenance_total", "Prunes of repositories, by result", [
    "result",
  ]);
  return {
    locations: control(
      "storage-location",
      4,
      storageLocationReconciler({
        ...shared,
        redact,
        listTopFolders: context.listTopFolders,
        validationFrequencyMs: config.storeValidationFrequencyMs,
        available: metrics.gauge("stowage_storage_location_available", "1 when the location is Available", [
          "location",
        ]),
      }),
    ),
    repositories: control(
      "backup-repository",
      8,
      backupRepositoryReconciler({
        ...shared,
        crds,
        care,
        redact,
        maintenanceFrequencyMs,
        countMaintenance: (result) => maintenance.add(1, { result }),
      }),
    ),
    backups: control(
      "backup",
      4,
      backupReconciler({
        ...shared,
        events,
        metrics: backupMetrics,
        settings: config,
        ensureRepository: repositoryEnsurer({ client, namespace, clock, resourceTimeoutMs, maintenanceFrequencyMs }),
      }),
    ),
  };
}

function createInformers({ client, namespace, log, clock }: ServerContext) {
  const informer = <T extends AnyKubeObject>(resource: ResourceDescriptor<T>): Informer<T> =>
    new Informer({ client, resource, namespace, log, clock });
  return {
    locations: informer(backupStorageLocations),
    repositories: informer(backupRepositories),
    backups: informer(backups),
    volumeBackups: informer(podVolumeBackups),
  };
}

function wakeControllers(controllers: Controllers, informers: ReturnType<typeof createInformers>): void {
  informers.locations.onChange((change) => {
    controllers.locations.enqueue(keyOfObject(change.object));
    if (!concernsRepositories(change)) return;
    for (const repository of informers.repositories.list()) {
      const isThere = repository.spec.backupStorageLocation === change.object.metadata.name;
      if (isThere) controllers.repositories.enqueue(keyOfObject(repository));
    }
  });
  informers.repositories.onChange(({ object }) => {
    controllers.repositories.enqueue(keyOfObject(object));
    for (const backup of informers.backups.list().filter(isBeingPrepared))
      controllers.backups.enqueueAfter(keyOfObject(backup), burstMs);
  });
  informers.backups.onChange(({ object }) => controllers.backups.enqueue(keyOfObject(object)));
  informers.volumeBackups.onChange((change) => {
    const backup = backupKeyOf(change.object);
    if (backup !== undefined && concernsBackup(change)) controllers.backups.enqueueAfter(backup, burstMs);
  });
}

/** Not the time stamps that each validation writes. */
function concernsRepositories(change: ObjectChange<BackupStorageLocation>): boolean {
  if (change.type !== "updated") return true;
  const { object, previous } = change;
  return (
    object.status?.phase !== previous.status?.phase || JSON.stringify(object.spec) !== JSON.stringify(previous.spec)
  );
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
