// Brings the objects of a Backup back, kind after kind (velero-contract §9.4): chooses, changes and creates each, and notes
// what became of it. Data of volumes is not its affair: pods are handed out before and after they are made.
import type { Backup } from "../../../api/backup.ts";
import type { Pod } from "../../../api/core.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import type { Restore } from "../../../api/restore.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { BackupContents, ItemAddress } from "./backup-contents.ts";
import type { RestoreRules } from "./restore-rules.ts";

/** One entry of `<b>-volumeinfo.json.gz`, reduced to what decides how a volume comes back. */
export interface VolumeInfoEntry {
  readonly pvName?: string;
  readonly pvcName?: string;
  readonly pvcNamespace?: string;
  readonly backupMethod?: string;
  readonly pvInfo?: {
    readonly reclaimPolicy?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  } | null;
}

/** What is known of the backed-up volumes; decides whether a PersistentVolume is restored or provisioned anew. */
export interface BackedUpVolumes {
  /** Undefined for Backups that have no such file: then the PodVolumeBackups decide. */
  readonly volumeInfo: readonly VolumeInfoEntry[] | undefined;
  /** Those of the Backup, as in the cluster. */
  readonly podVolumeBackups: readonly PodVolumeBackup[];
}

export interface RestoreObjectsOptions {
  readonly client: TypedClient;
  /** Reads what the API server serves, anew each time: called at the start, and again when CRDs were restored. */
  readonly discover: (signal: AbortSignal) => Promise<Discovery>;
  readonly contents: BackupContents;
  readonly restore: Restore;
  readonly backup: Backup;
  readonly volumes: BackedUpVolumes;
  /** What the ConfigMaps say: readRestoreRules() gives it; a Restore with problems in it must not get this far. */
  readonly rules: RestoreRules;
  readonly log: RunLog;
  readonly clock: Clock;
  /** --restore-cluster-rbac-and-webhooks */
  readonly clusterRbacAndWebhooks: ClusterRbacAndWebhooks;
  /**
   * The last change to a pod before it is created: metadata is already reset and the namespace mapped. What it throws
   * becomes an error of the pod, which is then not created.
   * @param original the pod as it was backed up.
   */
  readonly transformPod: (pod: Pod, original: Pod) => Promise<Pod>;
  /**
   * After a pod was created: now with its uid. Also for pods that an earlier run of this Restore had created before the
   * server was restarted. Awaited, so it should only begin what takes long.
   */
  readonly onPodRestored: (pod: Pod, original: Pod) => Promise<void>;
  /** After each object. */
  readonly onProgress: (progress: RestoreProgress) => void;
  readonly signal: AbortSignal;
}

/** "true": restored unless the Restore says no; "on-request": only when it says yes; "false": never. */
export type ClusterRbacAndWebhooks = "true" | "on-request" | "false";

export interface RestoreProgress {
  readonly totalItems: number;
  readonly itemsRestored: number;
}

/** A claim whose PersistentVolume is provisioned anew: the finalizer gives the new one the old one's policy and labels. */
export interface ReprovisionedClaim {
  /** As it was made, in the target namespace. */
  readonly claim: Required<ItemAddress>;
  /** The claim's namespace in the Backup. */
  readonly sourceNamespace: string;
  /** Name of the PersistentVolume in the Backup. */
  readonly persistentVolume: string;
}

export interface RestoreObjectsOutcome {
  /** As in `restore-<r>-resource-list.json.gz`: "v1/Pod" → "ns/name(created)"; or (updated), (skipped), (failed). */
  readonly resourceList: Readonly<Record<string, readonly string[]>>;
  readonly progress: RestoreProgress;
  readonly reprovisioned: readonly ReprovisionedClaim[];
}

/**
 * Warnings and errors of single objects go to the log by place; they never end the run.
 * @throws KubeError "unavailable" or "cancelled" when the run as a whole cannot go on; it can be begun again from the start.
 */
export async function restoreObjects(options: RestoreObjectsOptions): Promise<RestoreObjectsOutcome> {
  await options.discover(options.signal);
  throw new Error("bug: not there yet");
}
