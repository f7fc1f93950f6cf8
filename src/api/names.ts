// Labels, annotations and fixed object names of Velero's API and our own.

export const labels = {
  /** PodVolumeBackup, DeleteBackupRequest, restored objects: the Backup; a name of more than 63 characters is shortened, with a hash. */
  backupName: "velero.io/backup-name",
  /** PodVolumeBackup, DeleteBackupRequest: the Backup. */
  backupUid: "velero.io/backup-uid",
  /** PodVolumeRestore, restored objects: the Restore; shortened likewise. */
  restoreName: "velero.io/restore-name",
  /** PodVolumeRestore: the Restore. */
  restoreUid: "velero.io/restore-uid",
  /** PodVolumeRestore: the pod whose volume it is. */
  podUid: "velero.io/pod-uid",
  /** PodVolumeBackup, PodVolumeRestore: the claim of the volume; the next backup finds its parent by it. */
  pvcUid: "velero.io/pvc-uid",
  /** BackupRepository: the namespace whose volumes are in it. */
  volumeNamespace: "velero.io/volume-namespace",
  /** Backup, BackupRepository: the BackupStorageLocation. */
  storageLocation: "velero.io/storage-location",
  /** BackupRepository: always `restic`. */
  repositoryType: "velero.io/repository-type",
  /** Backup: the Schedule that made it. */
  scheduleName: "velero.io/schedule-name",
  /** Backup: why it has expired and is still there. */
  gcFailure: "velero.io/gc-failure",
} as const;

export const annotations = {
  /** Pod: volumes to back up, separated by commas. */
  backupVolumes: "backup.velero.io/backup-volumes",
  /** Pod: volumes to leave out when every volume is backed up by default. */
  backupVolumesExcludes: "backup.velero.io/backup-volumes-excludes",
  /** PodVolumeBackup: the claim of the volume. */
  pvcName: "velero.io/pvc-name",
  /** Backup or Restore: Go duration that replaces --fs-backup-timeout. */
  podVolumeTimeout: "velero.io/pod-volume-timeout",
  /** Restore: "true" or "false", whether cluster roles, their bindings and webhooks come back. */
  restoreClusterRbac: "stowage.dev/restore-cluster-rbac-and-webhooks",
  /** Any object in a Backup: "true" or "false", whether its status comes back, whatever the Restore says. */
  restoreStatus: "velero.io/restore-status",
  /** DownloadRequest: certificates in PEM form that vouch for the URL, where the machine's own do not. */
  downloadCertificate: "stowage.dev/download-certificate",
  /** Backup: the location in which it was found; it was not made by this server. */
  syncedFrom: "stowage.dev/synced-from",
  /** Backup: "true" until the PodVolumeBackups that its location keeps are in the cluster, too. */
  volumesToSync: "stowage.dev/volumes-to-sync",
  /** DownloadRequest: why there is no URL, for people. */
  downloadProblem: "stowage.dev/download-problem",
  /** PodVolumeBackup: JSON list of the files that were left out or changed while read. */
  warnings: "stowage.dev/warnings",
  /** PodVolumeBackup: JSON of what the backup read, stored, asked of the store and spent its time on. */
  report: "stowage.dev/report",
  /**
   * PodVolumeBackup, PodVolumeRestore: the agent process that works on it, as `<node>/<random id>`. Backup: the server process,
   * as `<random id>/<when it said so last>`.
   */
  claimedBy: "stowage.dev/claimed-by",
  /** PodVolumeBackup, PodVolumeRestore: how often an agent has begun it. Backup, Restore: how often a server has. */
  attempts: "stowage.dev/attempts",
  /** Backup: how many PodVolumeBackups it has, once all of them are made. */
  volumes: "stowage.dev/volumes",
  /** Backup: uids of the pods whose pre hooks have begun and whose post hooks have not ended, as a JSON list. */
  openHooks: "stowage.dev/open-hooks",
  /** PodVolumeRestore: "true" once all data are in the volume; it must not be restored again after that. */
  dataRestored: "stowage.dev/data-restored",
  /** PodVolumeRestore: "true" once nothing of `.velero` is left in the volume. */
  markerRemoved: "stowage.dev/marker-removed",
  /** BackupRepository: when all that it holds was last read and found well, RFC 3339. */
  lastVerified: "stowage.dev/last-verified",
  /** BackupRepository: JSON of how far the rolling verification is, and what it found. */
  verification: "stowage.dev/verification",
  /** BackupStorageLocation: agrees to the deletions that wait; its value is what the condition DeletionsPaused names. */
  allowDeletions: "stowage.dev/allow-deletions",
  /** BackupStorageLocation: JSON of when Backups were deleted from it within the last hour. */
  deletions: "stowage.dev/deletions",
  /** DeleteBackupRequest: why nothing happens at the moment. */
  waitingFor: "stowage.dev/waiting-for",
  /** Pod: JSON of the restore hooks that have begun or ended in it. */
  endedHooks: "stowage.dev/restore-hooks",
  /** BackupRepository: a short text of the location with which it was opened, which tells when that has changed. */
  location: "stowage.dev/location",
  /** Kinds whose installed CRD has no place for them: JSON of the conditions. */
  conditions: "stowage.dev/conditions",
  /** Backup: the server's --resource-timeout, for programs that read Backups. */
  resourceTimeout: "velero.io/resource-timeout",
  /** Schedule: Go duration; each run begins later by a part of it that looks random. */
  startJitter: "stowage.dev/start-jitter",
  /** Backup: the time of its Schedule for which it was made, RFC 3339. */
  scheduledFor: "stowage.dev/scheduled-for",
  /**
   * Pod, claim: what a backup leaves out, restic's patterns. On a pod, for one volume: `exclude.stowage.dev/<volume>`;
   * likewise cross-mounts, timeout and stall-timeout.
   */
  exclude: "stowage.dev/exclude",
  /** Pod, claim: "true" or "false", whether a backup enters other file systems that are mounted inside the volume. */
  crossMounts: "stowage.dev/cross-mounts",
  /** Pod, claim: Go duration, after which a backup of the volume is given up. */
  timeout: "stowage.dev/timeout",
  /** Pod, claim: Go duration without any progress, after which a backup or restore of the volume is given up. */
  stallTimeout: "stowage.dev/stall-timeout",
  /** PodVolumeBackup: JSON of what its pod and claim asked for by annotation, and which annotation said it. */
  volumeSettings: "stowage.dev/volume-settings",
} as const;

/** Prefix of annotations that keep status fields which the installed CRD prunes. */
export const prunedFieldPrefix = "stowage.dev/";

export const repositoryPasswordSecret = { name: "velero-repo-credentials", key: "repository-password" } as const;

/** The init container for which an agent waits before it restores a pod's volumes. */
export const restoreWaitContainer = "restore-wait";
/** Its name up to Velero 1.9; found in pods that were backed up after such a restore. */
export const legacyRestoreWaitContainer = "restic-wait";

export const nodeAgentName = "node-agent";
/** ConfigMap that Velero 1.13 and 1.14 read without being told its name. */
export const legacyNodeAgentConfigMap = "node-agent-config";
export const defaultVeleroNamespace = "velero";
/** The host name in every snapshot that comes out of the cluster. */
export const snapshotHostname = "velero";
