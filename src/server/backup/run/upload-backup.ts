// Puts everything of a Backup that has run into its location, in Velero's files. The metadata file goes last: as long as it is
// not there nobody takes the rest for a Backup, and once it is there nothing is missing.
import type { Backup } from "../../../api/backup.ts";
import type { PodVolumeBackup } from "../../../api/pod-volume-backup.ts";
import { backups, podVolumeBackups } from "../../../api/resources.ts";
import { apiVersionOf } from "../../../kube/kube-object.ts";
import { errorFacts } from "../../../platform/coded-error.ts";
import type { BackupFile, LocationStore, StoredFile } from "../../location-store/location-store.ts";
import type { RunLog } from "../../run-log/run-log.ts";
import type { VolumeInfo } from "./volume-info.ts";

export interface BackupContents {
  /** With its final status. */
  readonly backup: Backup;
  /** Paths of local files. */
  readonly tarball: string;
  readonly volumeBackups: readonly PodVolumeBackup[];
  readonly volumeInfo: readonly VolumeInfo[];
  readonly resourceList: Readonly<Record<string, readonly string[]>>;
  readonly log: RunLog;
}

/** What this server never makes; readers expect the files. */
const emptyLists: readonly BackupFile[] = [
  "volumeSnapshots",
  "itemOperations",
  "csiVolumeSnapshots",
  "csiVolumeSnapshotContents",
  "csiVolumeSnapshotClasses",
];

export async function uploadBackup(store: LocationStore, contents: BackupContents, signal: AbortSignal): Promise<void> {
  const { backup, volumeBackups, log } = contents;
  const fileOf = (file: BackupFile): StoredFile => ({ of: "backup", name: backup.metadata.name, file });
  const json = (file: BackupFile, value: unknown): Promise<void> => store.writeJson(fileOf(file), value, signal);
  await uploadLog(store, backup.metadata.name, { log, signal });
  await store.writeFile(fileOf("contents"), contents.tarball, signal);
  await json("podVolumeBackups", volumeBackups.map(asStoredVolume));
  await json("volumeInfo", contents.volumeInfo);
  await json("resourceList", contents.resourceList);
  for (const file of emptyLists) await json(file, []);
  await json("results", log.results);
  await json("metadata", asStoredBackup(backup));
}

/** As far as possible: a Backup is none the worse for its log. */
export async function uploadLog(
  store: LocationStore,
  name: string,
  { log, signal }: { readonly log: RunLog; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await store.writeFile({ of: "backup", name, file: "log" }, await log.file(), signal);
  } catch (error) {
    signal.throwIfAborted();
    log.log.warn("the log could not be stored", errorFacts(error));
  }
}

/** Without the notes of the API server on who wrote what. */
function asStoredBackup(backup: Backup): Backup {
  const { managedFields: _, ...metadata } = backup.metadata as Backup["metadata"] & { managedFields?: unknown };
  return { ...backup, apiVersion: apiVersionOf(backups), kind: backups.kind, metadata };
}

/** Objects of lists and watches lack what they are. */
function asStoredVolume(one: PodVolumeBackup): PodVolumeBackup {
  return { ...one, apiVersion: apiVersionOf(podVolumeBackups), kind: podVolumeBackups.kind };
}
