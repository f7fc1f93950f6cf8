// What every step of a Backup works with: the cluster, the clock, the settings of this server, where Backups are stored, and
// where it tells what happened.
import type { CrdLookup } from "../../kube/crd-lookup.ts";
import type { EventRecorder } from "../../kube/events.ts";
import type { PodExec } from "../../kube/exec.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { EnsureRepository } from "../backup-repository/ensure-repository.ts";
import type { OpenLocationStore } from "../location-store/location-store.ts";
import type { BackupMetrics } from "./backup-metrics.ts";
import type { ActiveRuns } from "./run/active-runs.ts";
import type { ForeignClaims, ProcessName } from "./run/run-claim.ts";
import type { Slots } from "./run/slots.ts";

export interface BackupContext {
  readonly client: TypedClient;
  readonly crds: Pick<CrdLookup, "find">;
  /** Where Velero's resources live. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: BackupMetrics;
  readonly ensureRepository: EnsureRepository;
  readonly openLocationStore: OpenLocationStore;
  readonly exec: PodExec;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  readonly settings: BackupSettings;
  /** This process, as it claims the Backups that it carries out. */
  readonly process: ProcessName;
  /** Of other processes. */
  readonly claims: ForeignClaims;
  readonly runs: ActiveRuns;
  /** For reading the cluster's objects: so many Backups do that at a time. */
  readonly slots: Slots;
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
  /** --item-block-worker-count: pods with hooks at a time. */
  readonly itemBlockWorkers: number;
  /** --scratch-dir: logs and tarballs are written here before they are stored. */
  readonly scratchDirectory: string;
}
