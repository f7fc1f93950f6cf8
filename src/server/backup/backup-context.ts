// What every step of a Backup works with: the cluster, the clock, the settings of this server, and where it tells what
// happened.
import type { EventRecorder } from "../../kube/events.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { EnsureRepository } from "../backup-repository/ensure-repository.ts";
import type { BackupMetrics } from "./backup-metrics.ts";

export interface BackupContext {
  readonly client: TypedClient;
  /** Where Velero's resources live. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: BackupMetrics;
  readonly ensureRepository: EnsureRepository;
  readonly settings: BackupSettings;
}

/** The server's flags that concern Backups; times in milliseconds. */
export interface BackupSettings {
  /** --default-volumes-to-fs */
  readonly defaultVolumesToFs: boolean;
  /** --fs-backup-timeout: for all volumes of a Backup together, from its start. */
  readonly fsBackupTimeoutMs: number;
  /** --default-backup-ttl */
  readonly backupTtlMs: number;
  /** --resource-timeout */
  readonly resourceTimeoutMs: number;
  /** --default-backup-storage-location: used when no location says that it is the default. */
  readonly defaultStorageLocation: string;
}
