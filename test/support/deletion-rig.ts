// A Backup with all that belongs to it, in memory: objects, files of the location, snapshots. For tests of deletions.
import type { Backup } from "../../src/api/backup.ts";
import type { BackupStorageLocation } from "../../src/api/backup-storage-location.ts";
import type { PodVolumeBackup } from "../../src/api/pod-volume-backup.ts";
import type { DeleteBackupRequest } from "../../src/api/requests.ts";
import {
  backupStorageLocations,
  backups,
  deleteBackupRequests,
  podVolumeBackups,
  restores,
} from "../../src/api/resources.ts";
import type { Restore } from "../../src/api/restore.ts";
import { InstalledCrd } from "../../src/kube/crd-lookup.ts";
import { formatTimestamp } from "../../src/platform/clock.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { Metrics } from "../../src/platform/metrics.ts";
import type { DeletionContext } from "../../src/server/deletion/deletion-context.ts";
import { DeletionMetrics } from "../../src/server/deletion/deletion-metrics.ts";
import type { LocationStore } from "../../src/server/location-store/location-store.ts";
import { FakeClock } from "./fake-clock.ts";
import { ObjectTable } from "./object-table.ts";

export const namespace = "velero";
const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing } as unknown as Logger;
const started = "2024-04-30T00:00:00Z";

export class DeletionRig {
  readonly table: ObjectTable = new ObjectTable();
  /** The first of May 2024, 00:00 UTC. */
  readonly clock: FakeClock = new FakeClock();
  readonly metrics: Metrics = new Metrics();
  readonly events: string[] = [];
  /** What was done to the store and the repositories, in order. */
  readonly done: string[] = [];
  /** Backups in the bucket, by name. */
  readonly stored: Map<string, Backup> = new Map();
  /** The list of volumes in the bucket, of any Backup. */
  storedVolumes: readonly PodVolumeBackup[] = [];
  /** What a removal of snapshots says, or throws. */
  forget: () => readonly string[] = () => [];
  /** Thrown when the location is opened. */
  storeFailure: Error | undefined;
  readonly context: DeletionContext;

  constructor(settings: { deletionLimit?: number } = {}) {
    this.putLocation();
    this.context = {
      client: this.table.client,
      crds: { find: async () => new InstalledCrd({ "x-kubernetes-preserve-unknown-fields": true }) },
      namespace,
      clock: this.clock,
      log,
      events: { record: (_, { reason, message }) => void this.events.push(`${reason}: ${message}`) },
      care: {
        forget: async (_, owner, snapshots) => {
          this.done.push(`forget ${owner} ${snapshots.map(({ id }) => id).join(" ")}`);
          return this.forget();
        },
      },
      openLocationStore: async () => {
        if (this.storeFailure !== undefined) throw this.storeFailure;
        return this.#store();
      },
      metrics: new DeletionMetrics(this.metrics),
      redact: (text) => text.replaceAll("hunter2", "***"),
      deletionLimit: 20,
      retryFrequencyMs: 3_600_000,
      requestsFor: (name) => this.requests.filter(({ spec }) => spec?.backupName === name),
      restoresOf: (name) => this.table.list<Restore>(restores).filter(({ spec }) => spec.backupName === name),
      isReady: () => true,
      newToken: () => "word",
      ...settings,
    };
  }

  putLocation(spec: Partial<BackupStorageLocation["spec"]> = {}, status: object = { phase: "Available" }): void {
    this.table.put(backupStorageLocations, {
      metadata: { name: "default", namespace },
      spec: { provider: "aws", objectStorage: { bucket: "b" }, ...spec },
      status,
    });
  }

  get location(): BackupStorageLocation {
    return this.table.must<BackupStorageLocation>(backupStorageLocations, { namespace, name: "default" });
  }

  /** In the cluster and in the bucket. */
  putBackup(name: string, status: object = {}): Backup {
    const backup: Backup = {
      metadata: { name, namespace, uid: `uid-${name}` },
      spec: { storageLocation: "default" },
      status: { phase: "Completed", startTimestamp: started, ...status },
    };
    this.table.put(backups, backup);
    this.stored.set(name, backup);
    return backup;
  }

  backup(name: string): Backup | undefined {
    return this.table.find<Backup>(backups, { namespace, name });
  }

  volumeBackup(backup: string, snapshotID: string, owner = "shop"): PodVolumeBackup {
    return {
      metadata: {
        name: `${backup}-${snapshotID}`,
        namespace,
        labels: { "velero.io/backup-name": backup, "velero.io/backup-uid": `uid-${backup}` },
      },
      spec: {
        node: "n",
        pod: { name: "db", namespace: owner },
        volume: "data",
        backupStorageLocation: "default",
        repoIdentifier: "",
        uploaderType: "restic",
      },
      status: { phase: "Completed", snapshotID },
    };
  }

  putVolumeBackup(backup: string, snapshotID: string, owner?: string): void {
    this.table.put(podVolumeBackups, this.volumeBackup(backup, snapshotID, owner));
  }

  putRestore(name: string, backupName: string, phase = "Completed"): void {
    this.table.put(restores, { metadata: { name, namespace }, spec: { backupName }, status: { phase } });
  }

  /** @param madeMs before now. */
  putRequest(name: string, backupName: string, fields: { madeMs?: number; phase?: string; uid?: string } = {}): void {
    const { madeMs = 0, phase, uid } = fields;
    const labels = uid === undefined ? {} : { "velero.io/backup-name": backupName, "velero.io/backup-uid": uid };
    this.table.put(deleteBackupRequests, {
      metadata: { name, namespace, labels, creationTimestamp: formatTimestamp(this.clock.now() - madeMs) },
      spec: { backupName },
      ...(phase === undefined ? {} : { status: { phase } }),
    });
  }

  get requests(): DeleteBackupRequest[] {
    return this.table.list<DeleteBackupRequest>(deleteBackupRequests);
  }

  request(name: string): DeleteBackupRequest | undefined {
    return this.table.find<DeleteBackupRequest>(deleteBackupRequests, { namespace, name });
  }

  /** "plural namespace/name" of everything but the location. */
  get objects(): string[] {
    const kinds = [backups, deleteBackupRequests, podVolumeBackups, restores];
    return kinds.flatMap((kind) => this.table.list(kind).map(({ metadata }) => `${kind.plural} ${metadata.name}`));
  }

  #store(): LocationStore {
    const store: Partial<LocationStore> = {
      hasBackup: async (name) => this.stored.has(name),
      readBackup: async (name) => this.stored.get(name) as Backup,
      readJson: async <T>() => this.storedVolumes as T,
      deleteBackup: async (name) => {
        this.done.push(`delete backups/${name}`);
        this.stored.delete(name);
      },
      deleteRestore: async (name) => void this.done.push(`delete restores/${name}`),
      close: async () => void this.done.push("close"),
    };
    return store as LocationStore;
  }
}
