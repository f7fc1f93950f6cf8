// Looks at each BackupStorageLocation once in a while: can its store be reached, and does it hold nothing but what
// belongs there?
import type { BackupStorageLocation, BackupStorageLocationStatus } from "../../api/backup-storage-location.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import type { ReconcileResult } from "../../kube/controller.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { explainError } from "../../platform/coded-error.ts";
import { parseDuration } from "../../platform/duration.ts";
import type { Logger } from "../../platform/logger.ts";

export interface StorageLocationReconcilerOptions {
  readonly client: TypedClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names of the folders at the top of the location (below its prefix). Throws when the store cannot be reached. */
  readonly listTopFolders: (location: BackupStorageLocation, signal: AbortSignal) => Promise<readonly string[]>;
  /** --store-validation-frequency; 0 switches validation off, but for the first one. */
  readonly validationFrequencyMs: number;
}

/** What may lie at the top of a location; anything else means that the bucket is used for something else too. */
const knownFolders: ReadonlySet<string> = new Set(["backups", "restores", "restic", "kopia", "metadata", "plugins"]);

/** The reconcile function of the BackupStorageLocation controller. */
export function storageLocationReconciler(
  options: StorageLocationReconcilerOptions,
): (key: string, signal: AbortSignal) => Promise<ReconcileResult> {
  return async (key, signal) => {
    const name = key.slice(key.indexOf("/") + 1);
    const location = await options.client.find(
      backupStorageLocations,
      { namespace: options.namespace, name },
      { signal },
    );
    if (location === undefined || location.metadata.deletionTimestamp !== undefined) return {};
    const dueInMs = dueIn(location, options);
    if (dueInMs > 0) return dueInMs === Number.POSITIVE_INFINITY ? {} : { requeueAfterMs: dueInMs };
    const verdict = await validate(location, options, signal);
    const { phase, message } = location.status ?? {};
    if (phase !== verdict.phase || (message ?? "") !== verdict.message) {
      options.log[verdict.phase === "Available" ? "info" : "warn"]("a storage location was validated", {
        location: name,
        ...verdict,
      });
    }
    await options.client.mergePatch(
      backupStorageLocations,
      { namespace: options.namespace, name },
      { status: { ...verdict, lastValidationTime: formatTimestamp(options.clock.now()) } },
    );
    const frequencyMs = frequencyOf(location, options);
    return frequencyMs > 0 ? { requeueAfterMs: frequencyMs } : {};
  };
}

function frequencyOf(location: BackupStorageLocation, options: StorageLocationReconcilerOptions): number {
  return parseDuration(location.spec.validationFrequency ?? "") ?? options.validationFrequencyMs;
}

/** Milliseconds until the next validation; at once while the location has none, or was changed since. */
function dueIn(location: BackupStorageLocation, options: StorageLocationReconcilerOptions): number {
  const lastMs = parseTimestamp(location.status?.lastValidationTime);
  if ((location.status?.phase ?? "") === "" || lastMs === undefined) return 0;
  const frequencyMs = frequencyOf(location, options);
  if (frequencyMs <= 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, lastMs + frequencyMs - options.clock.now());
}

async function validate(
  location: BackupStorageLocation,
  options: StorageLocationReconcilerOptions,
  signal: AbortSignal,
): Promise<Required<Pick<BackupStorageLocationStatus, "phase" | "message">>> {
  try {
    const unknown = (await options.listTopFolders(location, signal)).filter((folder) => !knownFolders.has(folder));
    if (unknown.length === 0) return { phase: "Available", message: "" };
    const message = `the location holds folders that do not belong to it: ${unknown.slice(0, 5).join(", ")}; give it a bucket or a prefix of its own`;
    return { phase: "Unavailable", message };
  } catch (error) {
    if (signal.aborted) throw error;
    return { phase: "Unavailable", message: explainError(error) };
  }
}
