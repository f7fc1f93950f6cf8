// BackupRepository: one restic repository per volume namespace and storage location.

import type { Condition } from "./conditions.ts";
import type { KubeObject } from "./kube-object.ts";

export type BackupRepositoryPhase = "New" | "Ready" | "NotReady";

export interface BackupRepository extends KubeObject {
  readonly spec: BackupRepositorySpec;
  readonly status?: BackupRepositoryStatus;
}

export interface BackupRepositorySpec {
  readonly volumeNamespace: string;
  readonly backupStorageLocation: string;
  /** Go duration, for example "168h0m0s". */
  readonly maintenanceFrequency: string;
  readonly repositoryType?: "restic" | "kopia" | "";
  /** The restic repository's location; required by the schema up to 1.16. */
  readonly resticIdentifier?: string;
  readonly repositoryConfig?: Readonly<Record<string, string>> | null;
}

export interface BackupRepositoryStatus {
  readonly phase?: BackupRepositoryPhase | "";
  readonly message?: string;
  readonly lastMaintenanceTime?: string | null;
  /** Since 1.16; the newest three. */
  readonly recentMaintenance?: readonly MaintenanceResult[];
  /** Ours. */
  readonly conditions?: readonly Condition[];
}

export interface MaintenanceResult {
  readonly result: "Succeeded" | "Failed";
  readonly startTimestamp?: string | null;
  readonly completeTimestamp?: string | null;
  readonly message?: string;
}
