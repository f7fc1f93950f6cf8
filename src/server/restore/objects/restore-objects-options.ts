// What restoring objects needs, and what it gives back.
import type { Backup } from "../../../api/backup.ts";
import type { Pod } from "../../../api/core.ts";
import type { Restore } from "../../../api/restore.ts";
import type { Discovery } from "../../../kube/discovery.ts";
import type { TypedClient } from "../../../kube/typed-client.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { ClusterRbacAndWebhooks } from "../../server-config.ts";
import type { BackupContents } from "./backup-contents.ts";
import type { RestoreRules } from "./restore-rules.ts";
import type { BackedUpVolumes } from "./volume-fate.ts";

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
  /** --terminating-resource-timeout: how long namespaces, and objects, that are being deleted may take to go. */
  readonly terminatingTimeoutMs: number;
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

export interface RestoreProgress {
  readonly totalItems: number;
  readonly itemsRestored: number;
}

/** A claim whose PersistentVolume is provisioned anew: the finalizer gives the new one the old one's policy and labels. */
export interface ReprovisionedClaim {
  /** As it was made, in the target namespace. */
  readonly claim: { readonly namespace: string; readonly name: string };
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
