// When a repository is pruned next, and what is written about it.
import type { BackupRepository, MaintenanceResult } from "../../api/backup-repository.ts";
import { prunedFieldPrefix } from "../../api/names.ts";
import { type InstalledCrd, keepPrunedFields } from "../../kube/crd-lookup.ts";
import { formatTimestamp, parseTimestamp } from "../../platform/clock.ts";

export interface MaintenanceRun {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** Why it failed; undefined when it succeeded. */
  readonly failure: string | undefined;
}

const keptResults = 3;
const resultsAnnotation = `${prunedFieldPrefix}recent-maintenance`;

/** Milliseconds until maintenance is due; not above 0 when it is. */
export function pruneDueInMs(repository: BackupRepository, periodMs: number, nowMs: number): number {
  const lastMs = parseTimestamp(repository.status?.lastMaintenanceTime) ?? nowMs;
  return lastMs + periodMs - nowMs;
}

/** CRDs before Velero 1.16 have no list of results: it becomes an annotation there. */
export function maintenancePatch(
  repository: BackupRepository,
  crd: InstalledCrd | undefined,
  { startMs, endMs, failure }: MaintenanceRun,
): { readonly metadata: object; readonly status: object } {
  const result: MaintenanceResult = {
    result: failure === undefined ? "Succeeded" : "Failed",
    startTimestamp: formatTimestamp(startMs),
    completeTimestamp: formatTimestamp(endMs),
    ...(failure === undefined ? {} : { message: failure }),
  };
  const recentMaintenance = [...recentResults(repository), result].slice(-keptResults);
  const { fields, annotations } = keepPrunedFields(crd, "status", { recentMaintenance }, prunedFieldPrefix);
  const success = failure === undefined ? { lastMaintenanceTime: formatTimestamp(endMs) } : {};
  return { metadata: { annotations }, status: { ...success, ...fields } };
}

function recentResults({ metadata, status }: BackupRepository): readonly MaintenanceResult[] {
  if (status?.recentMaintenance !== undefined) return status.recentMaintenance;
  try {
    const kept: unknown = JSON.parse(metadata.annotations?.[resultsAnnotation] ?? "[]");
    return Array.isArray(kept) ? (kept as MaintenanceResult[]) : [];
  } catch {
    // Somebody edited it; what happens from now on is listed again.
    return [];
  }
}
