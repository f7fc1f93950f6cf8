// BackupStorageLocation: a bucket (or, with provider `local`, a directory) and how to get at it.

import type { Condition } from "./conditions.ts";
import type { KubeObject, SecretKeySelector } from "./kube-object.ts";

export interface BackupStorageLocation extends KubeObject {
  readonly spec: BackupStorageLocationSpec;
  readonly status?: BackupStorageLocationStatus;
}

export interface BackupStorageLocationSpec {
  /** "aws", "velero.io/aws", "local", … */
  readonly provider: string;
  readonly objectStorage: ObjectStorageLocation;
  /** For example `region`, `s3Url`, `s3ForcePathStyle`, `profile`, `insecureSkipTLSVerify`, `resticRepoPrefix`. */
  readonly config?: Readonly<Record<string, string>>;
  readonly credential?: SecretKeySelector;
  readonly default?: boolean;
  readonly accessMode?: "ReadOnly" | "ReadWrite";
  readonly backupSyncPeriod?: string | null;
  readonly validationFrequency?: string | null;
}

export interface ObjectStorageLocation {
  readonly bucket: string;
  readonly prefix?: string;
  /** PEM, base64. */
  readonly caCert?: string;
  /** Since 1.18. */
  readonly caCertRef?: SecretKeySelector;
}

export interface BackupStorageLocationStatus {
  readonly phase?: "Available" | "Unavailable" | "";
  readonly message?: string;
  readonly lastSyncedTime?: string | null;
  readonly lastValidationTime?: string | null;
  readonly lastSyncedRevision?: string;
  readonly accessMode?: string;
  /** Ours. */
  readonly conditions?: readonly Condition[];
}
