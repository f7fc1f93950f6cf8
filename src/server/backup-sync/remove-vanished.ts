// Takes Backups out of the cluster whose files are gone from their location: another cluster has deleted them.
import type { Backup } from "../../api/backup.ts";
import { backups } from "../../api/resources.ts";
import type { Source } from "./bring-in-backups.ts";
import type { SyncContext } from "./sync-context.ts";

const storedPhases: ReadonlySet<string> = new Set(["Completed", "PartiallyFailed"]);

/**
 * @param before the cluster's Backups as they were before the location was listed: one that ended since then may have been
 *   stored after the listing.
 */
export async function removeVanished(
  before: readonly Backup[],
  source: Source,
  context: SyncContext,
  signal: AbortSignal,
): Promise<void> {
  const { location, store } = source;
  const names = new Set(source.names);
  const isGone = ({ metadata, spec, status }: Backup): boolean =>
    spec.storageLocation === location.metadata.name &&
    storedPhases.has(status?.phase ?? "") &&
    !names.has(metadata.name);
  const gone = before.filter((backup) => isGone(backup) && context.known.wasStored(backup));
  if (gone.length === 0) return;
  if (await looksUnmounted(source, context, signal)) {
    const facts = { location: location.metadata.name, backups: gone.length };
    context.log.warn("the location is empty, as if its disk were not mounted: its Backups stay in the cluster", facts);
    return;
  }
  for (const backup of gone) {
    const { name, namespace, uid } = backup.metadata;
    // Listings of some stores lag behind.
    if (await store.hasBackup(name, signal)) continue;
    // Somebody may be deleting it properly.
    if (!storedPhases.has(context.backups.get(context.namespace, name)?.status?.phase ?? "")) continue;
    await context.client.delete(backups, { name, namespace }, { signal, ...(uid === undefined ? {} : { uid }) });
    const facts = { location: location.metadata.name, backup: `${namespace}/${name}` };
    context.log.info("a Backup was removed from the cluster: its location has it no more", facts);
    context.metrics.removed.add(1, { location: location.metadata.name });
  }
}

/** A directory without any folder is more likely the place where the disk should be than one where all was deleted. */
async function looksUnmounted({ location }: Source, context: SyncContext, signal: AbortSignal): Promise<boolean> {
  const isDirectory = location.spec.provider.replace(/^velero\.io\//, "") === "local";
  return isDirectory && (await context.listTopFolders(location, signal)).length === 0;
}
