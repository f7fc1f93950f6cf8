// What the synchronisation of Backups works with.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { CounterMetric } from "../../platform/metrics.ts";
import type { ServerContext } from "../server-context.ts";
import type { StoredBackups } from "./stored-backups.ts";

export interface SyncContext extends Pick<ServerContext, "namespace" | "clock" | "log" | "redact"> {
  readonly client: Pick<ServerContext["client"], "find" | "create" | "mergePatch" | "delete">;
  readonly openLocationStore: ServerContext["openLocationStore"];
  readonly listTopFolders: ServerContext["listTopFolders"];
  readonly locations: { get(namespace: string, name: string): BackupStorageLocation | undefined };
  readonly backups: {
    readonly synced: Promise<void>;
    get(namespace: string, name: string): Backup | undefined;
    list(): readonly Backup[];
  };
  readonly known: StoredBackups;
  /** --backup-sync-period; 0 switches it off where a location does not say. */
  readonly syncPeriodMs: number;
  readonly metrics: SyncMetrics;
}

export interface SyncMetrics {
  /** Backups that were brought into the cluster, by location. */
  readonly broughtIn: CounterMetric;
  /** Backups that were taken out of the cluster because the location has them no more. */
  readonly removed: CounterMetric;
}
