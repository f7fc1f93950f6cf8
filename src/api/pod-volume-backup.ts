// PodVolumeBackup: one volume of one pod, to be copied into a repository by the agent of the pod's node.
// Fields as in Velero 1.8 to 1.18; the comment names the first version of the later ones.

import type { KubeObject, ObjectReference } from "./kube-object.ts";
import type { PodVolumePhase } from "./phases.ts";

export interface PodVolumeBackup extends KubeObject {
  readonly spec: PodVolumeBackupSpec;
  readonly status?: PodVolumeBackupStatus;
}

export interface PodVolumeBackupSpec {
  readonly node: string;
  readonly pod: ObjectReference;
  /** Name in the pod's `spec.volumes`. */
  readonly volume: string;
  readonly backupStorageLocation: string;
  /** The restic repository's location; "" for kopia. */
  readonly repoIdentifier: string;
  /** Become the snapshot's tags, as `key=value`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Absent or "" means restic. */
  readonly uploaderType?: string;
  /** Since 1.13. */
  readonly uploaderSettings?: Readonly<Record<string, string>> | null;
  /** Since 1.17. */
  readonly cancel?: boolean;
}

export interface PodVolumeBackupStatus {
  /** Absent or "" before an agent has taken it. */
  readonly phase?: PodVolumePhase | "";
  /** The volume's directory as the agent saw it. */
  readonly path?: string;
  /** Eight hexadecimal digits; "" when the volume was empty or the backup failed. */
  readonly snapshotID?: string;
  readonly message?: string;
  readonly startTimestamp?: string | null;
  readonly completionTimestamp?: string | null;
  readonly progress?: TransferProgress;
  /** Since 1.17. */
  readonly acceptedTimestamp?: string | null;
  /** Since 1.18: bytes that were new in the repository. */
  readonly incrementalBytes?: number;
}

export interface TransferProgress {
  readonly totalBytes?: number;
  readonly bytesDone?: number;
}
