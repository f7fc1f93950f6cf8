// What lies in a storage location beside the repositories: Backups and Restores in Velero's layout (velero:
// pkg/persistence/object_store_layout.go). The interface that the rest of the server works with.
import type { Readable } from "node:stream";
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";

/** The files of a Backup, by what they hold; `<b>` in Velero's names is the Backup's name. */
export type BackupFile =
  | "metadata"
  | "contents"
  | "log"
  | "podVolumeBackups"
  | "volumeSnapshots"
  | "itemOperations"
  | "resourceList"
  | "results"
  | "volumeInfo"
  | "csiVolumeSnapshots"
  | "csiVolumeSnapshotContents"
  | "csiVolumeSnapshotClasses";

export type RestoreFile = "log" | "results" | "resourceList" | "itemOperations" | "volumeInfo";

export type StoredFile =
  | { readonly of: "backup"; readonly name: string; readonly file: BackupFile }
  | { readonly of: "restore"; readonly name: string; readonly file: RestoreFile };

/**
 * One opened location. Every method throws RepositoryError (storage codes), ConfigError, or StoredFileError for a file that is
 * damaged or not Velero's; a missing file is "object-missing". Where the location is read-only, Backups cannot be written
 * or deleted; what Restores of them leave behind can.
 */
export interface LocationStore {
  /** Names of the Backups that are there: those with a metadata file. */
  listBackups(signal?: AbortSignal): Promise<readonly string[]>;
  hasBackup(name: string, signal?: AbortSignal): Promise<boolean>;
  readBackup(name: string, signal?: AbortSignal): Promise<Backup>;
  /** The parsed JSON of a (gzipped or plain) JSON file; undefined when it is not there. At most 64 MiB unpacked. */
  readJson<T>(file: StoredFile, signal?: AbortSignal): Promise<T | undefined>;
  /** The bytes as stored (still gzipped), in pieces. */
  read(file: StoredFile, signal?: AbortSignal): Readable;
  /** Gzipped where the layout says so. */
  writeJson(file: StoredFile, value: unknown, signal?: AbortSignal): Promise<void>;
  /** A local file as it is, streamed: for logs and tarballs, which are gzipped already. */
  writeFile(file: StoredFile, path: string, signal?: AbortSignal): Promise<void>;
  /** Everything of it; absent is success. */
  deleteBackup(name: string, signal?: AbortSignal): Promise<void>;
  deleteRestore(name: string, signal?: AbortSignal): Promise<void>;
  /** A URL from which anybody may read the file for `validMs`; undefined where the store cannot sign (a directory). */
  signedUrl(file: StoredFile, validMs: number): Promise<string | undefined>;
  exists(file: StoredFile, signal?: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens locations; the caller closes what it got. */
export type OpenLocationStore = (location: BackupStorageLocation, signal?: AbortSignal) => Promise<LocationStore>;
