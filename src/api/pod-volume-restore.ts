// PodVolumeRestore: one snapshot, to be put into one volume of a pod whose restore-wait container runs.

import type { KubeObject, ObjectReference } from "./kube-object.ts";
import type { PodVolumePhase } from "./phases.ts";
import type { TransferProgress } from "./pod-volume-backup.ts";

export interface PodVolumeRestore extends KubeObject {
  readonly spec: PodVolumeRestoreSpec;
  readonly status?: PodVolumeRestoreStatus;
}

export interface PodVolumeRestoreSpec {
  /** The restored pod: namespace, name, uid. */
  readonly pod: ObjectReference;
  readonly volume: string;
  readonly backupStorageLocation: string;
  readonly repoIdentifier: string;
  readonly snapshotID: string;
  /** Namespace of the pod that was backed up: the repository belongs to it. */
  readonly sourceNamespace: string;
  readonly uploaderType?: string;
  /** `WriteSparseFiles` "true" | "false" (1.13), `ParallelFilesDownload` a number (1.14). */
  readonly uploaderSettings?: Readonly<Record<string, string>> | null;
  /** Since 1.17. */
  readonly cancel?: boolean;
  /** Since 1.18, bytes. */
  readonly snapshotSize?: number;
}

export interface PodVolumeRestoreStatus {
  readonly phase?: PodVolumePhase | "";
  readonly message?: string;
  readonly startTimestamp?: string | null;
  readonly completionTimestamp?: string | null;
  readonly progress?: TransferProgress;
  /** Since 1.17. */
  readonly acceptedTimestamp?: string | null;
  /** Since 1.17: the node that took it. */
  readonly node?: string;
}
