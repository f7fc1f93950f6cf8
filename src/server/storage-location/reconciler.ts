// Looks at each BackupStorageLocation once in a while, and at once when it was changed: can its store be reached, and does
// it hold nothing but what belongs there? Also sees to it that at most one location is the default.
import type { BackupStorageLocation, BackupStorageLocationStatus } from "../../api/backup-storage-location.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { splitKey } from "../../kube/kube-object.ts";
import type { TypedClient } from "../../kube/typed-client.ts";
import { type Clock, formatTimestamp, parseTimestamp } from "../../platform/clock.ts";
import { explainError } from "../../platform/coded-error.ts";
import { parseDuration } from "../../platform/duration.ts";
import type { Logger } from "../../platform/logger.ts";
import type { GaugeMetric } from "../../platform/metrics.ts";
import { surplusDefaults } from "./surplus-defaults.ts";

export interface StorageLocationReconcilerOptions {
  readonly client: Pick<TypedClient, "find" | "list" | "mergePatch">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names of the folders at the top of the location (below its prefix). Throws when the store cannot be reached. */
  readonly listTopFolders: (location: BackupStorageLocation, signal: AbortSignal) => Promise<readonly string[]>;
  /** Takes secrets out of a text that others will read. */
  readonly redact: (text: string) => string;
  /** --store-validation-frequency; 0 switches periodic validation off. */
  readonly validationFrequencyMs: number;
  /** 1 or 0 by location. */
  readonly available: GaugeMetric;
}

/** What may lie at the top of a location; anything else means that the bucket is used for something else too. */
const knownFolders: ReadonlySet<string> = new Set(["backups", "restores", "restic", "kopia", "metadata", "plugins"]);

/** The reconcile function of the BackupStorageLocation controller. */
export function storageLocationReconciler(options: StorageLocationReconcilerOptions): Reconcile {
  /** What each location looked like when this process validated it; after a start each is validated once. */
  const validated = new Map<string, string>();
  return async (key, signal) => {
    const location = await options.client.find(backupStorageLocations, splitKey(key), { signal });
    if (location === undefined || location.metadata.deletionTimestamp !== undefined) {
      validated.delete(key);
      options.available.remove({ location: splitKey(key).name });
      return {};
    }
    await keepOneDefault(location, options, signal);
    const wish = JSON.stringify([location.metadata.uid, { ...location.spec, default: undefined }]);
    const isChanged = validated.get(key) !== wish;
    const dueInMs = isChanged ? 0 : dueIn(location, options);
    if (dueInMs > 0) return lookAgainIn(dueInMs);
    await validateAndWrite(location, options, signal);
    validated.set(key, wish);
    return lookAgainIn(frequencyOf(location, options));
  };
}

function lookAgainIn(ms: number): ReconcileResult {
  return Number.isFinite(ms) ? { requeueAfterMs: ms } : {};
}

/** Infinite for never. */
function frequencyOf(location: BackupStorageLocation, options: StorageLocationReconcilerOptions): number {
  const ms = parseDuration(location.spec.validationFrequency ?? "") ?? options.validationFrequencyMs;
  return ms > 0 ? ms : Number.POSITIVE_INFINITY;
}

/** Milliseconds until the next validation. */
function dueIn(location: BackupStorageLocation, options: StorageLocationReconcilerOptions): number {
  const lastMs = parseTimestamp(location.status?.lastValidationTime);
  if ((location.status?.phase ?? "") === "" || lastMs === undefined) return 0;
  return Math.max(0, lastMs + frequencyOf(location, options) - options.clock.now());
}

async function validateAndWrite(
  location: BackupStorageLocation,
  options: StorageLocationReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { name, namespace } = location.metadata;
  const verdict = await validate(location, options, signal);
  const { phase, message = "" } = location.status ?? {};
  if (phase !== verdict.phase || message !== verdict.message) {
    const level = verdict.phase === "Available" ? "info" : "warn";
    options.log[level]("a storage location was validated", { location: name, ...verdict });
  }
  options.available.set(verdict.phase === "Available" ? 1 : 0, { location: name });
  const lastValidationTime = formatTimestamp(options.clock.now());
  const patch = { status: { ...verdict, lastValidationTime } };
  await options.client.mergePatch(backupStorageLocations, { namespace, name }, patch);
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
    return { phase: "Unavailable", message: options.redact(explainError(error)) };
  }
}

/** The one that was made the default last stays it. */
async function keepOneDefault(
  location: BackupStorageLocation,
  { client, namespace, log }: StorageLocationReconcilerOptions,
  signal: AbortSignal,
): Promise<void> {
  if (location.spec.default !== true) return;
  const { items } = await client.list(backupStorageLocations, { namespace, signal });
  for (const { metadata } of surplusDefaults(items)) {
    const { name, resourceVersion } = metadata;
    await client.mergePatch(
      backupStorageLocations,
      { namespace, name },
      { metadata: { resourceVersion }, spec: { default: false } },
    );
    log.warn("several storage locations were the default; this one is not any more", { location: name });
  }
}
