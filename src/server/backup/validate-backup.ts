// Refuses what this server cannot do yet, field by field, so that nothing in a Backup is silently ignored.
import type { Backup, BackupSpec } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
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

/** Values that ask for nothing, as command lines and API defaults write them. */
function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0 || (value.length === 1 && value[0] === "*");
  return typeof value === "object" && Object.values(value).every(asksForNothing);
}

/** Sentences for `status.validationErrors`; empty when the Backup can be carried out. */
export function validateBackup(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  const problems: string[] = [];
  for (const [field, value] of Object.entries(backup.spec)) {
    if (!handledFields.has(field) && !asksForNothing(value)) {
      problems.push(`spec.${field} is not supported by this server yet; remove it from the Backup`);
    }
  }
  const { included, excluded } = {
    included: backup.spec.includedNamespaces ?? [],
    excluded: backup.spec.excludedNamespaces ?? [],
  };
  for (const name of included) {
    if (name !== "*" && excluded.includes(name)) problems.push(`namespace ${name} is both included and excluded`);
  }
  if (excluded.includes("*")) problems.push('spec.excludedNamespaces must not hold "*"');
  if (included.length > 1 && included.includes("*")) problems.push('"*" in spec.includedNamespaces must stand alone');
  if (backup.spec.ttl !== undefined && backup.spec.ttl !== "" && parseDuration(backup.spec.ttl) === undefined) {
    problems.push(`spec.ttl "${backup.spec.ttl}" is not a duration such as 720h0m0s`);
  }
  problems.push(...locationProblems(backup, location));
  return problems;
}

function locationProblems(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  const name = backup.spec.storageLocation ?? "";
  if (location === undefined) {
    return [
      name === ""
        ? "no BackupStorageLocation is named and none is the default: set spec.storageLocation, or spec.default on one"
        : `BackupStorageLocation ${name} does not exist`,
    ];
  }
  if (location.spec.accessMode === "ReadOnly") return [`BackupStorageLocation ${location.metadata.name} is read-only`];
  if (location.status?.phase === "Unavailable") {
    return [
      `BackupStorageLocation ${location.metadata.name} is unavailable: ${location.status.message ?? "no reason is given"}`,
    ];
  }
  return [];
}
