// What every part of the server works with, and what a part is: controllers, and what wakes them.
import type { Backup } from "../api/backup.ts";
import type { BackupRepository } from "../api/backup-repository.ts";
import type { BackupStorageLocation } from "../api/backup-storage-location.ts";
import type { PodVolumeBackup } from "../api/pod-volume-backup.ts";
import type { PodVolumeRestore } from "../api/pod-volume-restore.ts";
import type { DeleteBackupRequest, DownloadRequest, ServerStatusRequest } from "../api/requests.ts";
import {
  backupRepositories,
  backupStorageLocations,
  backups,
  deleteBackupRequests,
  downloadRequests,
  podVolumeBackups,
  podVolumeRestores,
  restores,
  schedules,
  serverStatusRequests,
} from "../api/resources.ts";
import type { Restore } from "../api/restore.ts";
import type { Schedule } from "../api/schedule.ts";
import type { Controller, Reconcile } from "../kube/controller.ts";
import type { CrdLookup } from "../kube/crd-lookup.ts";
import type { EventRecorder } from "../kube/events.ts";
import type { PodExec } from "../kube/exec.ts";
import { Informer } from "../kube/informer.ts";
import type { AnyKubeObject, ResourceDescriptor } from "../kube/kube-object.ts";
import type { TypedClient } from "../kube/typed-client.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import type { RepositoryCare } from "./backup-repository/repository-care.ts";
import type { OpenLocationStore } from "./location-store/location-store.ts";
import type { Downloads } from "./requests/downloads.ts";
import type { ServerConfig } from "./server-config.ts";

export interface ServerContext {
  readonly config: ServerConfig;
  readonly client: TypedClient;
  /** Runs commands in containers, for hooks. */
  readonly exec: PodExec;
  readonly crds: CrdLookup;
  /** Where Velero's resources live. */
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
  /** The Backups and Restores that a location keeps; whoever opens it closes it. */
  readonly openLocationStore: OpenLocationStore;
  /** Addresses of files in locations, for people. */
  readonly downloads: Downloads;
  /** A controller of this process: named in logs and metrics, `concurrency` names at a time. */
  readonly control: (name: string, concurrency: number, reconcile: Reconcile) => Controller;
}

/** Local copies of everything of Velero's in the server's namespace. */
export interface Informers {
  readonly locations: Informer<BackupStorageLocation>;
  readonly repositories: Informer<BackupRepository>;
  readonly backups: Informer<Backup>;
  readonly restores: Informer<Restore>;
  readonly schedules: Informer<Schedule>;
  readonly volumeBackups: Informer<PodVolumeBackup>;
  readonly volumeRestores: Informer<PodVolumeRestore>;
  readonly deletions: Informer<DeleteBackupRequest>;
  readonly downloads: Informer<DownloadRequest>;
  readonly statusRequests: Informer<ServerStatusRequest>;
}

/** One area of the server: makes its controllers and registers what wakes them. */
export type ServerPart = (context: ServerContext, informers: Informers) => readonly Controller[];

export function createInformers({
  client,
  namespace,
  log,
  clock,
}: Pick<ServerContext, "client" | "namespace" | "log" | "clock">): Informers {
  const informer = <T extends AnyKubeObject>(
    resource: ResourceDescriptor<T>,
    filter: (object: T) => boolean = () => true,
  ): Informer<T> => new Informer({ client, resource, namespace, log, clock, filter });
  return {
    locations: informer(backupStorageLocations),
    repositories: informer(backupRepositories, hasSpec),
    backups: informer(backups),
    restores: informer(restores),
    schedules: informer(schedules),
    volumeBackups: informer(podVolumeBackups, hasSpec),
    volumeRestores: informer(podVolumeRestores, hasSpec),
    deletions: informer(deleteBackupRequests),
    downloads: informer(downloadRequests),
    statusRequests: informer(serverStatusRequests),
  };
}

/** The CRDs let objects without one in; of these kinds nothing can be made of it. */
function hasSpec({ spec }: { readonly spec: object }): boolean {
  return Object.keys(spec).length > 0;
}
