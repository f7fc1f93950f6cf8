// Compares each available location with the cluster once in a while, and at once when it has become another place: Backups
// that only the location has are brought in, those that it has no more are taken out. That is how a second cluster gets to
// know what it can restore.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { backupStorageLocations } from "../../api/resources.ts";
import type { Reconcile } from "../../kube/controller.ts";
import { splitKey } from "../../kube/kube-object.ts";
import { formatTimestamp } from "../../platform/clock.ts";
import { parseDuration } from "../../platform/duration.ts";
import { bringInBackups, type KnownProblems } from "./bring-in-backups.ts";
import { removeVanished } from "./remove-vanished.ts";
import type { SyncContext } from "./sync-context.ts";

interface Round {
  /** What the location was when it was last compared. */
  readonly place: string;
  readonly atMs: number;
  readonly problems: KnownProblems;
}

/** The reconcile function of the backup-sync controller. */
export function backupSyncReconciler(context: SyncContext): Reconcile {
  const rounds = new Map<string, Round>();
  return async (key, signal) => {
    const { namespace, name } = splitKey(key);
    const location = context.locations.get(namespace, name);
    if (location === undefined || location.metadata.deletionTimestamp !== undefined) {
      rounds.delete(key);
      return {};
    }
    const periodMs = periodOf(location, context);
    // A change of the phase, too, brings us here again.
    if (periodMs <= 0 || location.status?.phase !== "Available") return {};
    const place = placeOf(location);
    const last = rounds.get(key);
    const nowMs = context.clock.monotonicMs();
    if (last?.place === place && nowMs < last.atMs + periodMs) return { requeueAfterMs: last.atMs + periodMs - nowMs };
    const problems: KnownProblems = last?.place === place ? last.problems : new Map();
    await compare(location, context, { problems, signal });
    rounds.set(key, { place, atMs: nowMs, problems });
    return { requeueAfterMs: periodMs };
  };
}

async function compare(
  location: BackupStorageLocation,
  context: SyncContext,
  { problems, signal }: { readonly problems: KnownProblems; readonly signal: AbortSignal },
): Promise<void> {
  await context.backups.synced;
  const before = [...context.backups.list()];
  const store = await context.openLocationStore(location, signal);
  try {
    const names = await store.listBackups(signal);
    const source = { location, store, names };
    await bringInBackups(source, context, { problems, signal });
    await removeVanished(before, source, context, signal);
  } finally {
    await store.close();
  }
  const { name, namespace } = location.metadata;
  const patch = { status: { lastSyncedTime: formatTimestamp(context.clock.now()) } };
  await context.client.mergePatch(backupStorageLocations, { name, namespace }, patch, { signal });
}

function periodOf({ spec }: BackupStorageLocation, { syncPeriodMs }: SyncContext): number {
  return parseDuration(spec.backupSyncPeriod ?? "") ?? syncPeriodMs;
}

/** Whatever decides which objects we see. */
function placeOf({ metadata, spec }: BackupStorageLocation): string {
  const { provider, objectStorage, config, credential } = spec;
  return JSON.stringify([metadata.uid, provider, objectStorage, config, credential]);
}
