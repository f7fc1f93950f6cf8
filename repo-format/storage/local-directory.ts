// Objects as files below one directory, with restic's own rules for modes, temporary names and durability, so that both
// programs can work in the same directory (restic: internal/backend/local).
import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { chmod, constants, lstat, open, readdir, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { readDirectly, writeDirectly } from "./direct-files.ts";
import { filePieces } from "./file-pieces.ts";
import { configKey, packFolders } from "./key-layout.ts";
import { fileError, hasErrno } from "./local-errors.ts";
import {
  exists,
  makeFolders,
  moveIntoPlace,
  openRegularFile,
  readFully,
  removeEmptyFolders,
  syncDirectory,
  writeAndSync,
  writePieces,
} from "./local-files.ts";
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import {
  bodyParts,
  bodySizeBytes,
  checkKey,
  checkPrefix,
  checkRange,
  compareKeys,
  objectExists,
  objectMissing,
  objectTooLarge,
  rangeInvalid,
} from "./object-storage.ts";

export interface LocalDirectoryOptions {
  /** The first `put` makes the directory if it is absent. Otherwise that is an error: a disk may not be mounted. */
  readonly create?: boolean;
  /** Default 2, as in restic. */
  readonly connections?: number;
}

type ReadWork = (file: FileHandle, sizeBytes: number) => Promise<Buffer>;

type WriteWork = (temporary: string, file: FileHandle) => Promise<void>;

interface Modes {
  readonly directory: number;
  readonly file: number;
}

/** restic's marker between the name and the random part; such names are never ids, so no lister takes them for files. */
const temporaryMark = "-tmp-";
/** Ours and restic's, whose random part is decimal. */
const temporaryName = /-tmp-[0-9a-f]+$/;
const folderNames = ["keys", "snapshots", "index", "locks", "data"];
const statsAtATime = 32;

export class LocalDirectoryStorage implements ObjectStorage {
  readonly location: string;
  readonly connections: number;
  readonly atomicReplace: boolean = true;
  readonly listsAtOnce: boolean = true;
  readonly clockOffsetMs: number | undefined = undefined;
  readonly #root: string;
  readonly #create: boolean;
  #modes: Promise<Modes> | undefined;

  constructor(path: string, options: LocalDirectoryOptions = {}) {
    this.#root = resolve(path);
    this.location = this.#root;
    this.connections = options.connections ?? 2;
    this.#create = options.create ?? false;
  }

  async prepare(options: RequestOptions = {}): Promise<void> {
    await this.#run("prepare", "", options, async () => {
      const { directory } = await this.#loadModes();
      await makeFolders(this.#root, directory);
      const folders = [...folderNames, ...packFolders.map((name) => join("data", name))];
      for (const folder of folders) await makeFolders(join(this.#root, folder), directory);
      await syncDirectory(join(this.#root, "data"));
      await syncDirectory(this.#root);
      await syncDirectory(dirname(this.#root));
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    await this.#store(key, options, async (temporary, file) => {
      await options.pace?.(bodySizeBytes(body));
      await this.#write(temporary, file, body, options);
    });
  }

  async putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    let sizeBytes = 0;
    await this.#store(key, options, async (_, file) => {
      sizeBytes = await writePieces(file, filePieces(path, options), options.signal);
    });
    return sizeBytes;
  }

  get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { maxBytes = Number.POSITIVE_INFINITY } = options;
    return this.#read(key, options, (file, size) => {
      if (size > maxBytes) throw objectTooLarge(this.location, key, maxBytes);
      return this.#readBytes(key, file, { offset: 0, length: size });
    });
  }

  getRange(key: string, offset: number, length: number, options: RequestOptions = {}): Promise<Buffer> {
    checkRange(offset, length);
    return this.#read(key, options, async (file, size) => {
      const start = offset < 0 ? Math.max(0, size + offset) : offset;
      if (offset >= 0 && start + length > size) throw rangeInvalid(this.location, key, { offset, length });
      return this.#readBytes(key, file, { offset: start, length: Math.min(length, size - start) });
    });
  }

  openFile(key: string): number | undefined {
    try {
      return openRegularFile(this.#pathOf(key));
    } catch {
      return undefined; // a read will say why
    }
  }

  async stat(key: string, options: RequestOptions = {}): Promise<ObjectInfo> {
    const path = this.#pathOf(key);
    return this.#run("look up", key, options, async () => {
      const stats = await lstat(path);
      if (!stats.isFile()) throw objectMissing(this.location, key);
      return { key, sizeBytes: stats.size };
    });
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix);
    yield* this.#listFolder(prefix, options);
    throwIfCancelled(options.signal);
  }

  async listFolders(prefix: string, options: RequestOptions = {}): Promise<string[]> {
    checkPrefix(prefix);
    const entries = await this.#readFolder(prefix, options);
    return entries.filter((entry) => entry.isFolder).map((entry) => entry.name);
  }

  async delete(key: string, options: RequestOptions = {}): Promise<void> {
    const path = this.#pathOf(key);
    await this.#run("delete", key, options, async () => {
      try {
        await unlink(path);
      } catch (error) {
        if (!hasErrno(error, "ENOENT", "ENOTDIR", "EISDIR")) throw error;
      }
    });
    if (key === configKey) this.#modes = undefined;
  }

  async removeEmptyFolders(prefix: string): Promise<void> {
    checkPrefix(prefix);
    if (prefix !== "") await removeEmptyFolders(join(this.#root, prefix));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #pathOf(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }

  /** @param write writes the temporary file and syncs it. */
  async #store(key: string, options: PutOptions, write: WriteWork): Promise<void> {
    const path = this.#pathOf(key);
    await this.#run("write", key, options, async () => {
      const modes = await this.#loadModes();
      const temporary = `${path}${temporaryMark}${randomBytes(8).toString("hex")}`;
      const file = await this.#createFile(temporary, modes);
      try {
        await write(temporary, file);
        await moveIntoPlace(temporary, path, options.ifAbsent ?? false);
      } catch (error) {
        await file.close().catch(() => undefined);
        await unlink(temporary).catch(() => undefined); // the error that brought us here matters more
        throw hasErrno(error, "EEXIST") ? objectExists(this.location, key, error) : error;
      }
      await syncDirectory(dirname(path));
      await chmod(path, modes.file & ~0o222).catch(() => undefined); // some network file systems have no modes
    });
    if (key === configKey) this.#modes = undefined;
  }

  async #read(key: string, options: RequestOptions, work: ReadWork): Promise<Buffer> {
    const path = this.#pathOf(key);
    return this.#run("read", key, options, async () => {
      // Non-blocking, no link followed: a planted FIFO must not hang us, a planted link must not lead outside.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw objectMissing(this.location, key);
        const bytes = await work(file, stats.size);
        await options.pace?.(bytes.length);
        return bytes;
      } finally {
        await file.close();
      }
    });
  }

  async #readBytes(key: string, file: FileHandle, range: { offset: number; length: number }): Promise<Buffer> {
    return (await readDirectly(this.#pathOf(key), file, range)) ?? readFully(file, range.offset, range.length);
  }

  async #write(path: string, file: FileHandle, body: ObjectBody, options: PutOptions): Promise<void> {
    // Trees are read again by the next backup, so they may stay in the page cache.
    const isDirect = options.isTreePack !== true;
    const written = isDirect ? await writeDirectly(path, bodyParts(body), options.signal) : 0;
    await writeAndSync(file, body, options.signal, written);
  }

  async *#listFolder(prefix: string, options: ListOptions): AsyncIterable<ObjectInfo> {
    const { startAfter } = options;
    const entries = (await this.#readFolder(prefix, options)).filter(
      ({ key, isFolder }) =>
        startAfter === undefined || compareKeys(key, startAfter) > 0 || (isFolder && startAfter.startsWith(key)),
    );
    for (let start = 0; start < entries.length; start += statsAtATime) {
      throwIfCancelled(options.signal);
      const batch = entries.slice(start, start + statsAtATime);
      const infos = await Promise.all(batch.map((entry) => this.#infoOf(entry, options)));
      for (const [index, entry] of batch.entries()) {
        const info = infos[index];
        if (entry.isFolder) yield* this.#listFolder(entry.key, options);
        else if (info !== undefined) yield info;
      }
    }
  }

  /** Undefined for a folder, and for a file that was deleted since its folder was read. */
  async #infoOf(entry: FolderEntry, options: RequestOptions): Promise<ObjectInfo | undefined> {
    if (entry.isFolder) return undefined;
    try {
      return await this.stat(entry.key, options);
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) return undefined;
      throw error;
    }
  }

  /** Files and folders directly below the prefix, in the order that their full keys have. Links and the like are left out. */
  async #readFolder(prefix: string, options: RequestOptions): Promise<FolderEntry[]> {
    return this.#run("list", prefix, options, async () => {
      try {
        const entries = await readdir(join(this.#root, prefix), { withFileTypes: true });
        return entries
          .filter((entry) => entry.isDirectory() || (entry.isFile() && !temporaryName.test(entry.name)))
          .map((entry) => folderEntry(prefix, entry.name, entry.isDirectory()))
          .sort((a, b) => compareKeys(a.key, b.key));
      } catch (error) {
        if (hasErrno(error, "ENOENT", "ENOTDIR")) return [];
        throw error;
      }
    });
  }

  async #createFile(path: string, modes: Modes): Promise<FileHandle> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      return await open(path, flags, modes.file);
    } catch (error) {
      if (!hasErrno(error, "ENOENT")) throw error;
      await this.#makeFolder(dirname(path), modes);
      return await open(path, flags, modes.file);
    }
  }

  async #makeFolder(folder: string, modes: Modes): Promise<void> {
    if (this.#create) await this.prepare();
    else if (!(await exists(this.#root))) {
      throw new RepositoryError("storage-misconfigured", `the directory ${this.location} does not exist`);
    }
    await makeFolders(folder, modes.directory);
    await syncDirectory(dirname(folder));
  }

  /** A repository whose config its group may read is shared with that group: what we add is, too. */
  #loadModes(): Promise<Modes> {
    this.#modes ??= lstat(join(this.#root, configKey)).then(
      (stats) => ((stats.mode & 0o040) === 0 ? privateModes : groupModes),
      () => privateModes,
    );
    return this.#modes;
  }

  async #run<T>(action: string, key: string, options: RequestOptions, work: () => Promise<T>): Promise<T> {
    throwIfCancelled(options.signal);
    try {
      const result = await work();
      throwIfCancelled(options.signal);
      return result;
    } catch (error) {
      throw RepositoryError.is(error) ? error : fileError(error, { action, key, location: this.location });
    }
  }
}

const privateModes: Modes = { directory: 0o700, file: 0o600 };
const groupModes: Modes = { directory: 0o770, file: 0o660 };

interface FolderEntry {
  readonly name: string;
  /** Full key of a file; of a folder the prefix of the keys in it, ending with "/". */
  readonly key: string;
  readonly isFolder: boolean;
}

function folderEntry(prefix: string, name: string, isFolder: boolean): FolderEntry {
  return { name, isFolder, key: isFolder ? `${prefix}${name}/` : `${prefix}${name}` };
}
