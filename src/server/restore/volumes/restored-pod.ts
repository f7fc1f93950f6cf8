// A pod that a Restore has made, and what has to be put into its volumes.
import type { BackupStorageLocation } from "../../../api/backup-storage-location.ts";
import type { Pod } from "../../../api/core.ts";
import type { Restore } from "../../../api/restore.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { RestoreContext } from "../restore-context.ts";
import type { VolumeSnapshot } from "./pod-snapshots.ts";

export interface VolumeRestoresOptions {
  readonly context: RestoreContext;
  readonly restore: Restore;
  readonly location: BackupStorageLocation;
  readonly log: RunLog;
  readonly signal: AbortSignal;
}

export interface RestoredPod {
  /** As it was created. */
  readonly pod: Pod;
  /** Namespace of the pod that was backed up. */
  readonly sourceNamespace: string;
  readonly snapshots: readonly VolumeSnapshot[];
}
