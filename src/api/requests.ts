// The three request kinds: somebody creates one, the server answers in its status.

import type { KubeObject } from "./kube-object.ts";

export interface DeleteBackupRequest extends KubeObject {
  readonly spec: { readonly backupName: string };
  readonly status?: {
    readonly phase?: "New" | "InProgress" | "Processed" | "";
    readonly errors?: readonly string[] | null;
  };
}

export type DownloadTargetKind =
  | "BackupLog"
  | "BackupContents"
  | "BackupVolumeSnapshots"
  | "BackupItemOperations"
  | "BackupResourceList"
  | "BackupResults"
  | "RestoreLog"
  | "RestoreResults"
  | "RestoreResourceList"
  | "RestoreItemOperations"
  | "CSIBackupVolumeSnapshots"
  | "CSIBackupVolumeSnapshotContents"
  | "BackupVolumeInfos"
  | "RestoreVolumeInfo";

export interface DownloadRequest extends KubeObject {
  readonly spec: { readonly target: { readonly kind: DownloadTargetKind; readonly name: string } };
  readonly status?: {
    readonly phase?: "New" | "Processed" | "";
    readonly downloadURL?: string;
    readonly expiration?: string | null;
  };
}

export interface ServerStatusRequest extends KubeObject {
  readonly spec?: Readonly<Record<string, never>>;
  readonly status?: {
    readonly phase?: "New" | "Processed" | "";
    readonly processedTimestamp?: string | null;
    readonly serverVersion?: string;
    readonly plugins?: readonly { readonly kind: string; readonly name: string }[] | null;
  };
}
