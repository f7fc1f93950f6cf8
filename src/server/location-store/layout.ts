// Where each file of a Backup or Restore lies below its location (velero: pkg/persistence/object_store_layout.go).
import type { BackupFile, RestoreFile, StoredFile } from "./location-store.ts";

/** Behind `<b>`, the Backup's name. */
const backupFiles: Readonly<Record<Exclude<BackupFile, "metadata">, string>> = {
  contents: ".tar.gz",
  log: "-logs.gz",
  podVolumeBackups: "-podvolumebackups.json.gz",
  volumeSnapshots: "-volumesnapshots.json.gz",
  itemOperations: "-itemoperations.json.gz",
  resourceList: "-resource-list.json.gz",
  results: "-results.gz",
  volumeInfo: "-volumeinfo.json.gz",
  csiVolumeSnapshots: "-csi-volumesnapshots.json.gz",
  csiVolumeSnapshotContents: "-csi-volumesnapshotcontents.json.gz",
  csiVolumeSnapshotClasses: "-csi-volumesnapshotclasses.json.gz",
};

/** Before and behind the Restore's name. */
const restoreFiles: Readonly<Record<RestoreFile, readonly [string, string]>> = {
  log: ["restore-", "-logs.gz"],
  results: ["restore-", "-results.gz"],
  resourceList: ["restore-", "-resource-list.json.gz"],
  itemOperations: ["restore-", "-itemoperations.json.gz"],
  volumeInfo: ["", "-volumeinfo.json.gz"],
};

export const backupsFolder = "backups/";
const metadataFile = "velero-backup.json";

/** Below the location's root. */
export function keyOf(stored: StoredFile): string {
  if (stored.of === "restore") {
    const [before, behind] = restoreFiles[stored.file];
    return `${restoreFolder(stored.name)}${before}${stored.name}${behind}`;
  }
  const file = stored.file === "metadata" ? metadataFile : `${stored.name}${backupFiles[stored.file]}`;
  return `${backupFolder(stored.name)}${file}`;
}

/** Of disks, and of stores that keep objects on disks: names of files have so many bytes at most. */
const maxFileName = 255;

/** Why nothing of this name could be stored, or removed again: a sentence without its subject; undefined when it can. */
export function tooLongToStore(of: StoredFile["of"], name: string): string | undefined {
  const around =
    of === "restore" ? Object.values(restoreFiles).map((parts) => parts.join("")) : Object.values(backupFiles);
  const most = maxFileName - Math.max(...around.map(({ length }) => length));
  return name.length <= most ? undefined : `has a name of ${name.length} characters: stores take ${most} at most`;
}

export function backupFolder(name: string): string {
  return `${backupsFolder}${name}/`;
}

export function restoreFolder(name: string): string {
  return `restores/${name}/`;
}

/** The Backup that a key is the metadata of; undefined for every other key, also where no Backup could have the name. */
export function backupOfMetadata(key: string): string | undefined {
  const [top, name = "", file, ...more] = key.split("/");
  const isMetadata = `${top}/` === backupsFolder && file === metadataFile && more.length === 0;
  return isMetadata && objectName.test(name) && name.length <= 253 ? name : undefined;
}

/** As the API server has names: DNS labels, joined by dots. */
const objectName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
