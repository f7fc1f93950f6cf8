// Refuses what this server cannot do yet, field by field, so that nothing in a Backup is silently ignored.
import type { Backup, BackupSpec } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { parseDuration } from "../../platform/duration.ts";

/** Fields that change nothing for pod volumes, or that are carried out. */
const handledFields: ReadonlySet<string> = new Set<keyof BackupSpec>([
  "metadata",
  "includedNamespaces",
  "excludedNamespaces",
  "ttl",
  "storageLocation",
  "defaultVolumesToFsBackup",
  "defaultVolumesToRestic",
  "uploaderConfig",
  "csiSnapshotTimeout",
  "itemOperationTimeout",
]);

/** Lists in which "*" is what an empty list means anyhow: everything. */
const everythingByDefault: ReadonlySet<string> = new Set<keyof BackupSpec>([
  "includedResources",
  "includedNamespaceScopedResources",
]);

/** RFC 1123 label, as the API server demands of a namespace's name. */
const namespaceName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Sentences for `status.validationErrors`; empty when the Backup can be carried out. */
export function validateBackup(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  return [
    ...unsupportedFields(backup.spec),
    ...namespaceProblems(backup.spec),
    ...durationProblems(backup),
    ...locationProblems(backup, location),
  ];
}

/** One sentence for each field that this server would have to ignore. */
export function unsupportedFields(spec: BackupSpec): string[] {
  return Object.entries(spec)
    .filter(([field, value]) => !handledFields.has(field) && !asksForNothing(value) && !isEverything(field, value))
    .map(([field]) => `spec.${field} is not supported by this server yet; remove it from the Backup`);
}

/** Values that ask for nothing, as command lines and API defaults write them. */
function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(asksForNothing);
}

function isEverything(field: string, value: unknown): boolean {
  return everythingByDefault.has(field) && Array.isArray(value) && value.length === 1 && value[0] === "*";
}

function namespaceProblems(spec: BackupSpec): string[] {
  const included = spec.includedNamespaces ?? [];
  const excluded = spec.excludedNamespaces ?? [];
  const problems = included
    .filter((name) => name !== "*" && excluded.includes(name))
    .map((name) => `namespace ${name} is both included and excluded`);
  if (excluded.includes("*")) problems.push('spec.excludedNamespaces must not hold "*"');
  if (included.length > 1 && included.includes("*")) problems.push('"*" in spec.includedNamespaces must stand alone');
  for (const name of new Set([...included, ...excluded])) {
    if (name === "*" || namespaceName.test(name)) continue;
    const hint = /[*?[\]{}]/.test(name) ? "; patterns are not supported by this server yet" : "";
    problems.push(`${JSON.stringify(name)} is not the name of a namespace${hint}`);
  }
  return problems;
}

function durationProblems(backup: Backup): string[] {
  const problems: string[] = [];
  const ttl = backup.spec.ttl ?? "";
  if (ttl !== "" && !((parseDuration(ttl) ?? -1) >= 0))
    problems.push(`spec.ttl ${JSON.stringify(ttl)} is not a duration such as 720h0m0s`);
  const timeout = backup.metadata.annotations?.[annotations.podVolumeTimeout];
  if (timeout !== undefined && !((parseDuration(timeout) ?? 0) > 0)) {
    const name = annotations.podVolumeTimeout;
    problems.push(`the annotation ${name}: ${JSON.stringify(timeout)} is not a duration such as 4h0m0s`);
  }
  return problems;
}

function locationProblems(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  const wanted = backup.spec.storageLocation ?? "";
  if (location === undefined) {
    if (wanted !== "") return [`BackupStorageLocation ${wanted} does not exist`];
    return [
      "no BackupStorageLocation is named and none is the default: set spec.storageLocation, or spec.default on one",
    ];
  }
  const { name } = location.metadata;
  if (location.spec.accessMode === "ReadOnly") return [`BackupStorageLocation ${name} is read-only`];
  const { phase, message = "" } = location.status ?? {};
  if (phase === "Available") return [];
  if (phase === "Unavailable")
    return [`BackupStorageLocation ${name} is unavailable: ${message === "" ? "no reason is given" : message}`];
  return [`BackupStorageLocation ${name} has not been validated`];
}
