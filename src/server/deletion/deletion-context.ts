// What the deletions' part works with.
import type { DeleteBackupRequest } from "../../api/requests.ts";
import type { Restore } from "../../api/restore.ts";
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RepositoryCare } from "../backup-repository/repository-care.ts";
import type { OpenLocationStore } from "../location-store/location-store.ts";
import type { DeletionMetrics } from "./deletion-metrics.ts";

export interface DeletionContext {
  readonly client: Pick<TypedClient, "find" | "list" | "create" | "mergePatch" | "delete">;
  readonly crds: Pick<CrdLookup, "find">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, "record">;
  readonly care: Pick<RepositoryCare, "forget">;
  readonly openLocationStore: OpenLocationStore;
  readonly metrics: DeletionMetrics;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** --deletion-limit; 0 for any number. */
  readonly deletionLimit: number;
  /** --garbage-collection-frequency */
  readonly retryFrequencyMs: number;
  /** From memory: there may be thousands. Some have no labels. */
  readonly requestsFor: (backupName: string) => readonly DeleteBackupRequest[];
  /** From memory, too. */
  readonly restoresOf: (backupName: string) => readonly Restore[];
  /** Those two are complete. */
  readonly isReady: () => boolean;
  /** A word that nobody can guess. */
  readonly newToken: () => string;
}
