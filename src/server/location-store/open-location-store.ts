// Velero's layout on top of a location's objects.
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { ObjectStorage } from "../../../repo-format/index.ts";
import type { Backup } from "../../api/backup.ts";
import type { BackupStorageLocation } from "../../api/backup-storage-location.ts";
import { asCodedError, messageOf } from "../../platform/coded-error.ts";
import { ConfigError } from "../../platform/config-error.ts";
import type { RepositoryAccess } from "../../repository-access/repository-access.ts";
import { backupFolder, backupOfMetadata, backupsFolder, keyOf, restoreFolder } from "./layout.ts";
import type { LocationStore, OpenLocationStore, StoredFile } from "./location-store.ts";
import { StoredFileError } from "./stored-file-error.ts";

const maxJsonBytes = 64 << 20;
/** One request of a file that is read as a stream. */
const pieceBytes = 4 << 20;

/** What opens locations, over the process's access to their stores. */
export function locationStoreOpener(access: Pick<RepositoryAccess, "openObjects">): OpenLocationStore {
  return async (location, signal) => {
    const { storage, prefix } = await access.openObjects(location, signal);
    return new ObjectsOfLocation(location, storage, prefix);
  };
}

class ObjectsOfLocation implements LocationStore {
  readonly #location: BackupStorageLocation;
  readonly #storage: ObjectStorage;
  readonly #prefix: string;

  constructor(location: BackupStorageLocation, storage: ObjectStorage, prefix: string) {
    this.#location = location;
    this.#storage = storage;
    this.#prefix = prefix;
  }

  /** One listing of all files: a request for every thousand, not one for every Backup. */
  async listBackups(signal?: AbortSignal): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { key } of this.#storage.list(`${this.#prefix}${backupsFolder}`, { signal })) {
      const name = backupOfMetadata(key.slice(this.#prefix.length));
      if (name !== undefined) names.push(name);
    }
    return names;
  }

  hasBackup(name: string, signal?: AbortSignal): Promise<boolean> {
    return this.exists({ of: "backup", name, file: "metadata" }, signal);
  }

  async readBackup(name: string, signal?: AbortSignal): Promise<Backup> {
    const key = this.#keyOf({ of: "backup", name, file: "metadata" });
    const backup = await this.#readJson<Partial<Backup> | null>(key, signal);
    if ((backup?.kind ?? "Backup") === "Backup" && backup?.metadata?.name === name && isObject(backup.spec))
      return backup as Backup;
    throw this.#malformed(key, `it is not the Backup ${name}`);
  }

  async readJson<T>(file: StoredFile, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.#readJson<T>(this.#keyOf(file), signal);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  read(file: StoredFile, signal?: AbortSignal): Readable {
    return Readable.from(this.#pieces(this.#keyOf(file), signal), { objectMode: false });
  }

  async writeJson(file: StoredFile, value: unknown, signal?: AbortSignal): Promise<void> {
    const key = this.#keyToWrite(file);
    const text = Buffer.from(JSON.stringify(value));
    await this.#storage.put(key, key.endsWith(".gz") ? await promisify(gzip)(text) : text, { signal });
  }

  async writeFile(file: StoredFile, path: string, signal?: AbortSignal): Promise<void> {
    await this.#storage.putFile(this.#keyToWrite(file), path, { signal });
  }

  /** What makes it a Backup goes first: what a broken deletion leaves is no Backup any more. */
  async deleteBackup(name: string, signal?: AbortSignal): Promise<void> {
    const metadata = this.#keyToWrite({ of: "backup", name, file: "metadata" });
    await this.#storage.delete(metadata, { signal });
    await this.#deleteFolder(backupFolder(name), signal);
  }

  async deleteRestore(name: string, signal?: AbortSignal): Promise<void> {
    await this.#deleteFolder(restoreFolder(name), signal);
  }

  async signedUrl(file: StoredFile, validMs: number): Promise<string | undefined> {
    return await this.#storage.signedUrl?.(this.#keyOf(file), validMs);
  }

  async exists(file: StoredFile, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#storage.stat(this.#keyOf(file), { signal });
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#storage.close();
  }

  #keyOf(file: StoredFile): string {
    return this.#prefix + keyOf(file);
  }

  /** A location that is read-only keeps its Backups as they are; what Restores of them leave behind may be written. */
  #keyToWrite(file: StoredFile): string {
    const { metadata, spec } = this.#location;
    if (file.of === "backup" && spec.accessMode === "ReadOnly") {
      const message = `the storage location ${metadata.name} is read-only: its Backups cannot be changed`;
      throw new ConfigError("storage-location-unusable", message, { location: metadata.name });
    }
    return this.#keyOf(file);
  }

  async #deleteFolder(folder: string, signal: AbortSignal | undefined): Promise<void> {
    const infos = await Array.fromAsync(this.#storage.list(`${this.#prefix}${folder}`, { signal }));
    for (const { key } of infos) await this.#storage.delete(key, { signal });
    await this.#storage.removeEmptyFolders?.(`${this.#prefix}${folder}`);
  }

  async #readJson<T>(key: string, signal: AbortSignal | undefined): Promise<T> {
    const stored = await this.#storage.get(key, { maxBytes: maxJsonBytes, signal });
    const text = isGzipped(stored) ? await this.#unpack(key, stored) : stored;
    try {
      return JSON.parse(text.toString("utf8")) as T;
    } catch (error) {
      throw this.#malformed(key, messageOf(error).slice(0, 200), error);
    }
  }

  async #unpack(key: string, stored: Buffer): Promise<Buffer> {
    try {
      return await promisify(gunzip)(stored, { maxOutputLength: maxJsonBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") {
        throw this.#malformed(key, messageOf(error), error);
      }
      const message = `${key} in ${this.#storage.location} has more than ${maxJsonBytes} bytes when it is unpacked`;
      throw new StoredFileError("stored-file-too-large", message, { key, cause: error });
    }
  }

  async *#pieces(key: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    const { sizeBytes } = await this.#storage.stat(key, { signal });
    for (let offset = 0; offset < sizeBytes; offset += pieceBytes) {
      yield await this.#storage.getRange(key, offset, Math.min(pieceBytes, sizeBytes - offset), { signal });
    }
  }

  #malformed(key: string, problem: string, cause?: unknown): StoredFileError {
    const message = `${key} in ${this.#storage.location} cannot be read: ${problem}`;
    return new StoredFileError("stored-file-malformed", message, { key, cause });
  }
}

function isMissing(error: unknown): boolean {
  return asCodedError(error)?.code === "object-missing";
}

function isGzipped(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
