// Refuses what this server cannot do yet, field by field, so that nothing in a Backup is silently ignored.
import type { Backup, BackupSpec } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { annotations } from "../../api/names.ts";
import { parseDuration } from "../../platform/duration.ts";
import { validateBackupHooks } from "../hooks/validate-hooks.ts";
import { tooLongToStore } from "../location-store/layout.ts";
import { isGlobPattern, patternProblems } from "../name-patterns/glob-pattern.ts";
import { validateItemFilters } from "./items/validate-item-filters.ts";

/** Everything but snapshots of volumes, which no part of this server makes. */
const handledFields: ReadonlySet<string> = new Set<keyof BackupSpec>([
  "metadata",
  "includedNamespaces",
  "excludedNamespaces",
  "includedResources",
  "excludedResources",
  "includedClusterScopedResources",
  "excludedClusterScopedResources",
  "includedNamespaceScopedResources",
  "excludedNamespaceScopedResources",
  "includeClusterResources",
  "labelSelector",
  "orLabelSelectors",
  "orderedResources",
  "hooks",
  "resourcePolicy",
  "ttl",
  "storageLocation",
  "defaultVolumesToFsBackup",
  "defaultVolumesToRestic",
  "uploaderConfig",
  "csiSnapshotTimeout",
  "itemOperationTimeout",
]);

const durationFields = ["csiSnapshotTimeout", "itemOperationTimeout"] as const satisfies readonly (keyof BackupSpec)[];

/** RFC 1123 label, as the API server demands of a namespace's name. */
const namespaceName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Sentences for `status.validationErrors`; empty when the Backup can be carried out. */
export function validateBackup(backup: Backup, location: BackupStorageLocation | undefined): string[] {
  const nameProblem = tooLongToStore("backup", backup.metadata.name);
  return [
    ...(nameProblem === undefined ? [] : [`the Backup ${nameProblem}`]),
    ...unsupportedFields(backup.spec),
    ...namespaceProblems(backup.spec),
    ...validateItemFilters(backup.spec),
    ...orderProblems(backup.spec),
    ...validateBackupHooks(backup.spec.hooks),
    ...durationProblems(backup),
    ...locationProblems(backup, location),
  ];
}

/** One sentence for each field that this server would have to ignore. */
export function unsupportedFields(spec: BackupSpec): string[] {
  return Object.entries(spec)
    .filter(([field, value]) => !handledFields.has(field) && !asksForNothing(value))
    .map(([field]) => `spec.${field} is not supported by this server yet; remove it from the Backup`);
}

/** Values that ask for nothing, as command lines and API defaults write them. */
function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.values(value).every(asksForNothing);
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
    if (isGlobPattern(name)) problems.push(...patternProblems([name]));
    else if (!namespaceName.test(name)) problems.push(`${JSON.stringify(name)} is not the name of a namespace`);
  }
  return problems;
}

function orderProblems({ orderedResources }: BackupSpec): string[] {
  return Object.entries(orderedResources ?? {})
    .filter(([resource, names]) => resource.trim() === "" || names.split(",").some((name) => name.trim() === ""))
    .map(([resource]) => `spec.orderedResources[${JSON.stringify(resource)}] must list names, separated by commas`);
}

function durationProblems(backup: Backup): string[] {
  const problems: string[] = [];
  const ttl = backup.spec.ttl ?? "";
  if (ttl !== "" && !((parseDuration(ttl) ?? -1) >= 0))
    problems.push(`spec.ttl ${JSON.stringify(ttl)} is not a duration such as 720h0m0s`);
  for (const field of durationFields) {
    const text = backup.spec[field] ?? "";
    if (text !== "" && !((parseDuration(text) ?? -1) >= 0))
      problems.push(`spec.${field} ${JSON.stringify(text)} is not a duration such as 10m0s`);
  }
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
