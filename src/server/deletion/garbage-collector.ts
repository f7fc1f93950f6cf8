// Asks for the deletion of Backups that have expired. The deletion itself is the request's: whether it may be done, and what
// has come of it, stands there. A Backup that cannot be deleted says why in a label, as Velero's do.
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { labels } from "../../api/names.ts";
import { backupStorageLocations, backups, deleteBackupRequests } from "../../api/resources.ts";
import { validName } from "../../api/valid-name.ts";
import type { Reconcile, ReconcileResult } from "../../kube/controller.ts";
import { KubeError } from "../../kube/kube-errors.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { DeletionContext } from "./deletion-context.ts";
import { hasStoredNothing, isUnfinished } from "./refuse-deletion.ts";

/** Velero's values of the label. */
type GcFailure = "BSLNotFound" | "BSLCannotGet" | "BSLReadOnly" | "BSLUnavailable";

/** The machine's clock may be set, which no timer notices. */
const longestSleepMs = 3_600_000;

/** The reconcile function of the garbage collection of Backups. */
export function garbageCollector(context: DeletionContext): Reconcile {
  return async (key, signal) => {
    const backup = await context.client.find(backups, splitKey(key), { signal });
    if (backup === undefined || backup.metadata.deletionTimestamp !== undefined) return {};
    const expirationMs = parseTimestamp(backup.status?.expiration);
    // The end of one that goes on wakes it again.
    if (expirationMs === undefined || isUnfinished(backup)) return {};
    const leftMs = expirationMs - context.clock.now();
    if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, longestSleepMs) };
    return await collect(backup, context, signal);
  };
}

async function collect(backup: Backup, context: DeletionContext, signal: AbortSignal): Promise<ReconcileResult> {
  const { client, clock, log, namespace, retryFrequencyMs } = context;
  const { name, uid = "" } = backup.metadata;
  const failure = await failureOf(backup, context, signal);
  await labelBackup(backup, failure, context, signal);
  if (failure !== undefined) return { requeueAfterMs: retryFrequencyMs };
  const wanted = { [labels.backupName]: validName(name), [labels.backupUid]: uid };
  const labelSelector = Object.entries(wanted)
    .map((pair) => pair.join("="))
    .join(",");
  const { items } = await client.list(deleteBackupRequests, { namespace, labelSelector, signal });
  if (items.some(({ status }) => status?.phase !== "Processed")) return { requeueAfterMs: retryFrequencyMs };
  const newestMs = Math.max(0, ...items.map(({ metadata }) => parseTimestamp(metadata.creationTimestamp) ?? 0));
  const restMs = newestMs + retryFrequencyMs - clock.now();
  if (restMs > 0) return { requeueAfterMs: restMs };
  const request = { metadata: { generateName: `${name}-`, namespace, labels: wanted }, spec: { backupName: name } };
  await client.create(deleteBackupRequests, request, { signal });
  log.info("a backup has expired", { backup: name });
  return { requeueAfterMs: retryFrequencyMs };
}

async function failureOf(
  backup: Backup,
  { client, namespace }: DeletionContext,
  signal: AbortSignal,
): Promise<GcFailure | undefined> {
  if (hasStoredNothing(backup)) return undefined;
  let location: BackupStorageLocation | undefined;
  try {
    const name = backup.spec?.storageLocation ?? "";
    location = name === "" ? undefined : await client.find(backupStorageLocations, { namespace, name }, { signal });
  } catch (error) {
    if (!KubeError.is(error) || signal.aborted) throw error;
    return "BSLCannotGet";
  }
  if (location === undefined) return "BSLNotFound";
  if (location.spec.accessMode === "ReadOnly") return "BSLReadOnly";
  return location.status?.phase === "Available" ? undefined : "BSLUnavailable";
}

async function labelBackup(
  { metadata }: Backup,
  failure: GcFailure | undefined,
  { client, namespace, log }: DeletionContext,
  signal: AbortSignal,
): Promise<void> {
  const { name } = metadata;
  if (metadata.labels?.[labels.gcFailure] === failure) return;
  if (failure !== undefined) log.warn("an expired backup cannot be deleted", { backup: name, failure });
  const patch = { metadata: { labels: { [labels.gcFailure]: failure ?? null } } };
  await client.mergePatch(backups, { namespace, name }, patch, { signal });
}
