// What every step of a Restore works with: the cluster, the clock, the settings of this server, and where it tells what
// happened.
import type { PodVolumeRestore } from "../../api/pod-volume-restore.ts";
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import type { Discovery } from "../../kube/discovery.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { PodExec } from "../../kube/exec.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { EnsureRepository } from "../backup-repository/ensure-repository.ts";
import type { OpenLocationStore } from "../location-store/location-store.ts";
import type { ClusterRbacAndWebhooks } from "../server-config.ts";
import type { RestoreMetrics } from "./restore-metrics.ts";

export interface RestoreContext {
  readonly client: TypedClient;
  readonly exec: PodExec;
  readonly crds: Pick<CrdLookup, "find">;
  /** Where Velero's resources live. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: RestoreMetrics;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  readonly ensureRepository: EnsureRepository;
  readonly openLocationStore: OpenLocationStore;
  /** Reads what the API server serves, anew each time. */
  readonly discover: (signal: AbortSignal) => Promise<Discovery>;
  /** The process's local copy of all PodVolumeRestores; may lag behind by a moment. */
  readonly volumeRestores: { readonly list: () => readonly PodVolumeRestore[] };
  readonly settings: RestoreSettings;
}

/** The server's flags that concern Restores; times in milliseconds. */
export interface RestoreSettings {
  /** --fs-backup-timeout: for all volumes of a Restore together, from its start. */
  readonly fsBackupTimeoutMs: number;
  /** --resource-timeout */
  readonly resourceTimeoutMs: number;
  /** --restore-helper-image; undefined: the image that this server runs from. */
  readonly restoreHelperImage: string | undefined;
  /** --restore-cluster-rbac-and-webhooks */
  readonly restoreClusterRbacAndWebhooks: ClusterRbacAndWebhooks;
  /** --terminating-resource-timeout */
  readonly terminatingResourceTimeoutMs: number;
  readonly scratchDirectory: string;
}
