// The REST resources of every kind that this program uses.

import type { Backup } from "./backup.ts";
import type { BackupRepository } from "./backup-repository.ts";
import type { BackupStorageLocation } from "./backup-storage-location.ts";
import type {
  ConfigMap,
  CsiDriver,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
} from "./core.ts";
import type { KubeObject, Resource } from "./kube-object.ts";
import type { PodVolumeBackup } from "./pod-volume-backup.ts";
import type { PodVolumeRestore } from "./pod-volume-restore.ts";
import type { DeleteBackupRequest, DownloadRequest, ServerStatusRequest } from "./requests.ts";
import type { Restore } from "./restore.ts";
import type { Schedule } from "./schedule.ts";
import type { VolumeSnapshotLocation } from "./volume-snapshot-location.ts";

function velero<T extends KubeObject>(kind: string, plural: string, spec: object = {}): Resource<T> {
  return { group: "velero.io", version: "v1", kind, plural, isNamespaced: true, defaults: { spec } };
}

function core<T extends KubeObject>(kind: string, plural: string, isNamespaced = true): Resource<T> {
  return { group: "", version: "v1", kind, plural, isNamespaced };
}

export const podVolumeBackups: Resource<PodVolumeBackup> = velero("PodVolumeBackup", "podvolumebackups");
export const podVolumeRestores: Resource<PodVolumeRestore> = velero("PodVolumeRestore", "podvolumerestores");
export const backupRepositories: Resource<BackupRepository> = velero("BackupRepository", "backuprepositories");
export const backupStorageLocations: Resource<BackupStorageLocation> = velero(
  "BackupStorageLocation",
  "backupstoragelocations",
  { provider: "", objectStorage: { bucket: "" } },
);
export const backups: Resource<Backup> = velero("Backup", "backups");
export const restores: Resource<Restore> = velero("Restore", "restores");
export const schedules: Resource<Schedule> = velero("Schedule", "schedules", { schedule: "", template: {} });
export const deleteBackupRequests: Resource<DeleteBackupRequest> = velero(
  "DeleteBackupRequest",
  "deletebackuprequests",
  { backupName: "" },
);
export const downloadRequests: Resource<DownloadRequest> = velero("DownloadRequest", "downloadrequests", {
  target: { kind: "", name: "" },
});
export const serverStatusRequests: Resource<ServerStatusRequest> = velero(
  "ServerStatusRequest",
  "serverstatusrequests",
);
export const volumeSnapshotLocations: Resource<VolumeSnapshotLocation> = velero(
  "VolumeSnapshotLocation",
  "volumesnapshotlocations",
);

export const pods: Resource<Pod> = core("Pod", "pods");
export const secrets: Resource<Secret> = core("Secret", "secrets");
export const configMaps: Resource<ConfigMap> = core("ConfigMap", "configmaps");
export const persistentVolumeClaims: Resource<PersistentVolumeClaim> = core(
  "PersistentVolumeClaim",
  "persistentvolumeclaims",
);
export const persistentVolumes: Resource<PersistentVolume> = core("PersistentVolume", "persistentvolumes", false);
export const namespaces: Resource<Namespace> = core("Namespace", "namespaces", false);
export const nodes: Resource<Node> = core("Node", "nodes", false);
export const csiDrivers: Resource<CsiDriver> = {
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIDriver",
  plural: "csidrivers",
  isNamespaced: false,
};
export const storageClasses: Resource<KubeObject> = {
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  isNamespaced: false,
};
export const customResourceDefinitions: Resource<KubeObject> = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  isNamespaced: false,
};
