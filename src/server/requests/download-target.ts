// What can be asked for in a DownloadRequest, and which file of the location it is.
import type { DownloadTargetKind } from "../../api/requests.ts";
import type { BackupFile, RestoreFile, StoredFile } from "../location-store/location-store.ts";

const backupTargets: Readonly<Partial<Record<DownloadTargetKind, BackupFile>>> = {
  BackupLog: "log",
  BackupContents: "contents",
  BackupVolumeSnapshots: "volumeSnapshots",
  BackupItemOperations: "itemOperations",
  BackupResourceList: "resourceList",
  BackupResults: "results",
  BackupVolumeInfos: "volumeInfo",
  CSIBackupVolumeSnapshots: "csiVolumeSnapshots",
  CSIBackupVolumeSnapshotContents: "csiVolumeSnapshotContents",
};

const restoreTargets: Readonly<Partial<Record<DownloadTargetKind, RestoreFile>>> = {
  RestoreLog: "log",
  RestoreResults: "results",
  RestoreResourceList: "resourceList",
  RestoreItemOperations: "itemOperations",
  RestoreVolumeInfo: "volumeInfo",
};

/** Undefined for a kind that a newer Velero may have. */
export function storedFileOf(kind: DownloadTargetKind, name: string): StoredFile | undefined {
  const ofBackup = backupTargets[kind];
  if (ofBackup !== undefined) return { of: "backup", name, file: ofBackup };
  const ofRestore = restoreTargets[kind];
  return ofRestore === undefined ? undefined : { of: "restore", name, file: ofRestore };
}
