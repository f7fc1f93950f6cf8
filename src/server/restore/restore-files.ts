// What a Restore leaves in its location: log, results, list of resources, and what became of volumes.
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import type { LocationStore, RestoreFile } from "../location-store/location-store.ts";
import type { RunLog } from "../run-log/run-log.ts";
import type { RestoreContext } from "./restore-context.ts";
import type { RestoreVolumeInfo } from "./volumes/restore-volume-info.ts";

export interface RestoreFiles {
  /** Name of the Restore. */
  readonly name: string;
  readonly log: RunLog;
  readonly resourceList: Readonly<Record<string, readonly string[]>>;
  readonly volumeInfos: readonly RestoreVolumeInfo[];
}

/** @throws when any of them cannot be stored */
export async function storeRestoreFiles(
  { name, log, resourceList, volumeInfos }: RestoreFiles,
  location: BackupStorageLocation,
  { context, signal }: { readonly context: RestoreContext; readonly signal: AbortSignal },
): Promise<void> {
  // Opened anew: since the Restore began, its credentials may have changed.
  const store: LocationStore = await context.openLocationStore(location, signal);
  try {
    const of = (file: RestoreFile) => ({ of: "restore", name, file }) as const;
    await store.writeFile(of("log"), await log.file(), signal);
    await store.writeJson(of("results"), log.results, signal);
    await store.writeJson(of("resourceList"), resourceList, signal);
    await store.writeJson(of("itemOperations"), [], signal);
    await store.writeJson(of("volumeInfo"), volumeInfos, signal);
  } finally {
    await store.close();
  }
}
