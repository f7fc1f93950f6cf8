// Backup: what to back up, and how it went. Fields as in Velero 1.18.

import type { Condition } from "./conditions.ts";
import type { KubeObject, LabelSelector, ObjectMeta } from "./kube-object.ts";

export type BackupPhase =
  | "New"
  | "Queued"
  | "ReadyToStart"
  | "FailedValidation"
  | "InProgress"
  | "WaitingForPluginOperations"
  | "WaitingForPluginOperationsPartiallyFailed"
  | "Finalizing"
  | "FinalizingPartiallyFailed"
  | "Completed"
  | "PartiallyFailed"
  | "Failed"
  | "Deleting";

export interface Backup extends KubeObject {
  readonly spec: BackupSpec;
  readonly status?: BackupStatus;
}

export interface BackupSpec {
  readonly metadata?: Pick<ObjectMeta, "labels">;
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
  readonly includedResources?: readonly string[] | null;
  readonly excludedResources?: readonly string[] | null;
  readonly includedClusterScopedResources?: readonly string[] | null;
  readonly excludedClusterScopedResources?: readonly string[] | null;
  readonly includedNamespaceScopedResources?: readonly string[] | null;
  readonly excludedNamespaceScopedResources?: readonly string[] | null;
  readonly includeClusterResources?: boolean | null;
  readonly labelSelector?: LabelSelector | null;
  readonly orLabelSelectors?: readonly LabelSelector[] | null;
  readonly orderedResources?: Readonly<Record<string, string>> | null;
  readonly snapshotVolumes?: boolean | null;
  readonly ttl?: string;
  readonly storageLocation?: string;
  readonly volumeSnapshotLocations?: readonly string[];
  readonly defaultVolumesToRestic?: boolean | null;
  readonly defaultVolumesToFsBackup?: boolean | null;
  readonly hooks?: { readonly resources?: readonly BackupResourceHook[] | null } | null;
  readonly csiSnapshotTimeout?: string;
  readonly itemOperationTimeout?: string;
  readonly resourcePolicy?: TypedLocalObjectReference | null;
  readonly snapshotMoveData?: boolean | null;
  readonly datamover?: string;
  readonly uploaderConfig?: { readonly parallelFilesUpload?: number } | null;
  readonly volumeGroupSnapshotLabelKey?: string;
}

export interface TypedLocalObjectReference {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

export interface BackupResourceHook {
  readonly name: string;
  readonly includedNamespaces?: readonly string[] | null;
  readonly excludedNamespaces?: readonly string[] | null;
  readonly includedResources?: readonly string[] | null;
  readonly excludedResources?: readonly string[] | null;
  readonly labelSelector?: LabelSelector | null;
  readonly pre?: readonly ExecHook[] | null;
  readonly post?: readonly ExecHook[] | null;
}

export interface ExecHook {
  readonly exec: {
    readonly container?: string;
    readonly command: readonly string[];
    readonly onError?: "Continue" | "Fail";
    readonly timeout?: string;
  };
}

export interface BackupStatus {
  readonly version?: number;
  readonly formatVersion?: string;
  readonly expiration?: string | null;
  readonly phase?: BackupPhase | "";
  readonly queuePosition?: number;
  readonly validationErrors?: readonly string[] | null;
  readonly startTimestamp?: string | null;
  readonly completionTimestamp?: string | null;
  readonly volumeSnapshotsAttempted?: number;
  readonly volumeSnapshotsCompleted?: number;
  readonly csiVolumeSnapshotsAttempted?: number;
  readonly csiVolumeSnapshotsCompleted?: number;
  readonly failureReason?: string;
  readonly warnings?: number;
  readonly errors?: number;
  readonly progress?: { readonly totalItems?: number; readonly itemsBackedUp?: number } | null;
  readonly backupItemOperationsAttempted?: number;
  readonly backupItemOperationsCompleted?: number;
  readonly backupItemOperationsFailed?: number;
  readonly hookStatus?: { readonly hooksAttempted?: number; readonly hooksFailed?: number } | null;
  /** Ours. */
  readonly conditions?: readonly Condition[];
}
