// Whether a BackupStorageLocation still is the one with which a repository was opened, as a short text that is kept as an
// annotation of the BackupRepository. It covers everything that decides where the data are and how they are reached.
import { hash } from "node:crypto";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";

/** 16 hexadecimal digits; holds no secret, as a location holds none. */
export function locationFingerprint({ spec }: BackupStorageLocation): string {
  const { provider, objectStorage, config = {}, credential } = spec;
  const settings = Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { bucket, prefix = "", caCert = "", caCertRef } = objectStorage;
  const parts = [provider, bucket, prefix, caCert, caCertRef ?? null, settings, credential ?? null];
  return hash("sha256", JSON.stringify(parts), "hex").slice(0, 16);
}
