// Where a namespace's repository lies in a BackupStorageLocation, as restic writes locations; Velero's rules
// (pkg/repository/config/config.go), with our provider `local` besides.
import { posix } from "node:path";
import type { BackupStorageLocation } from "../api/backup-storage-location.ts";
import { ConfigError } from "../platform/config-error.ts";

/**
 * E.g. "s3:https://minio:9000/bucket/prefix/restic/namespace".
 * @throws ConfigError "storage-location-unusable"
 */
export function repositoryIdentifier(location: BackupStorageLocation, volumeNamespace: string): string {
  const prefix = location.spec.config?.resticRepoPrefix || `${rootOf(location)}/restic`;
  return `${withoutEndSlash(prefix)}/${volumeNamespace}`;
}

/**
 * The location's own root, above `restic/`, `backups/` and the like.
 * @throws ConfigError "storage-location-unusable"
 */
export function rootOf(location: BackupStorageLocation): string {
  const { bucket, prefix = "" } = location.spec.objectStorage;
  if (bucket === "") throw unusable(location, "spec.objectStorage.bucket is empty");
  const provider = providerOf(location);
  if (provider === "local") return posix.join(localPath(location), bucket, prefix);
  if (provider === "aws") return `s3:${s3Host(location)}/${withoutEndSlash(posix.join(bucket, prefix))}`;
  throw unusable(location, `the provider ${location.spec.provider} is not supported (aws and local are)`);
}

/**
 * Where the location's objects are: a store that can be opened, and the prefix of their keys in it. The store of a directory
 * is the whole of what is mounted, so that nothing has to be made before the first object is written.
 * @throws ConfigError "storage-location-unusable"
 */
export function objectsOf(location: BackupStorageLocation): { readonly store: string; readonly prefix: string } {
  const root = rootOf(location);
  const directory = localDirectory(location);
  if (directory === undefined) return { store: root, prefix: "" };
  return { store: directory, prefix: `${posix.relative(directory, root)}/` };
}

/**
 * The directory of a location with provider `local`; undefined for a bucket.
 * @throws ConfigError "storage-location-unusable"
 */
export function localDirectory(location: BackupStorageLocation): string | undefined {
  return providerOf(location) === "local" ? localPath(location) : undefined;
}

/** Any provider that has an `s3Url` speaks S3: makers of other stores name their plugins after themselves. */
function providerOf({ spec }: BackupStorageLocation): string {
  const name = spec.provider.replace(/^velero\.io\//, "");
  const isKnown = ["aws", "azure", "gcp", "local"].includes(name);
  return !isKnown && (spec.config?.s3Url ?? "") !== "" ? "aws" : name;
}

/** Velero asks the store when no region is given; Amazon's general endpoint leads to the right one, too. */
function s3Host({ spec }: BackupStorageLocation): string {
  const { s3Url = "", region = "" } = spec.config ?? {};
  if (s3Url !== "") return withoutEndSlash(s3Url);
  return region === "" ? "s3.amazonaws.com" : `s3-${region}.amazonaws.com`;
}

function localPath(location: BackupStorageLocation): string {
  const path = location.spec.config?.path ?? "";
  if (path.startsWith("/")) return path;
  throw unusable(location, "spec.config.path must be the absolute path of a directory");
}

function withoutEndSlash(text: string): string {
  return text.endsWith("/") ? text.slice(0, -1) : text;
}

function unusable({ metadata }: BackupStorageLocation, reason: string): ConfigError {
  return new ConfigError(
    "storage-location-unusable",
    `the storage location ${metadata.name} cannot be used: ${reason}`,
    {
      location: metadata.name,
    },
  );
}
