// Copies of a repository's files in a folder of this machine. Each is named after the SHA-256 of its bytes, and nothing
// that does not match it is ever handed out: a damaged copy is removed and counts as absent. Files appear by renaming, so
// any number of processes may share the folder. Nothing here fails: a cache that cannot be used is an empty one.
import { hash, randomBytes } from "node:crypto";
import { constants, type FileHandle, open, readdir, rename, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { type FileKind, idFromKey, keyOf, listPrefix } from "../key-layout.ts";
import { hasErrno } from "../local-errors.ts";
import { makeFolders, readFully, writeFully } from "../local-files.ts";
import { bodyParts, bodySizeBytes, type ObjectBody } from "../object-storage.ts";
import { openCacheFolder, removeOldCaches } from "./cache-directory.ts";
import { CacheSpace } from "./cache-space.ts";

/** Parts of a file that are verified one by one once the whole was. */
const blockBytes: number = 64 * 1024;
/** Nothing larger is read into memory or kept. */
const maxCachedBytes: number = 64 * 1024 * 1024;
/** One file may take so much of the limit. */
const shareOfLimit = 0.25;

const cachedKinds = ["index", "snapshot", "pack"] as const satisfies readonly FileKind[];

export interface CacheOptions {
  /** Made when it is absent; shared by the repositories and processes of a user. */
  readonly directory: string;
  /** Limit for all repositories together. Default: a tenth of the free space of the file system, at most 4 GiB. */
  readonly maxBytes?: number | undefined;
  /** Remove the caches of repositories that nobody has used for 30 days. */
  readonly removeOld?: boolean | undefined;
  /** Told of how many `removeOld` has removed, if any. */
  readonly onRemovedOld?: ((count: number) => void) | undefined;
  /** Told once when the cache cannot be used. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Wall clock, ms since the epoch. */
  readonly clock: () => number;
}

/** A file that was compared with its name in this process. */
interface VerifiedFile {
  readonly sizeBytes: number;
  /** CRC-32 of each block, so that a range can be verified without the rest. */
  readonly blocks: Uint32Array;
}

export class CachedFiles {
  readonly #options: CacheOptions;
  readonly #space: CacheSpace;
  readonly #verified = new Map<string, VerifiedFile>();
  readonly #verifying = new Map<string, Promise<VerifiedFile | undefined>>();
  readonly #used = new Set<string>();
  readonly #folder: () => Promise<string | undefined>;
  #isBroken = false;

  constructor(location: string, options: CacheOptions) {
    this.#options = options;
    this.#space = new CacheSpace(options);
    let opening: Promise<string | undefined> | undefined;
    this.#folder = () => {
      opening ??= this.#open(location);
      return opening;
    };
  }

  /** True for keys that name what they hold; only these are ever cached. */
  static isCacheable(key: string): boolean {
    return placeOf(key) !== undefined;
  }

  /** False when nothing can be kept: then it is of no use to fetch more than is needed. */
  async isUsable(): Promise<boolean> {
    return (await this.#folder()) !== undefined && !this.#isBroken;
  }

  /** The whole file, verified; undefined when there is none. */
  async read(key: string): Promise<Buffer | undefined> {
    const bytes = await this.#readFile(key);
    if (bytes !== undefined && hash("sha256", bytes, "hex") === placeOf(key)?.id) return bytes;
    if (bytes !== undefined) await this.remove(key);
    return undefined;
  }

  /** Verified bytes with memory of their own; undefined when there is no such file, "short" when it ends before. */
  async readRange(key: string, offset: number, length: number): Promise<Buffer | "short" | undefined> {
    const file = await this.#verify(key);
    if (file === undefined) return undefined;
    if (offset + length > file.sizeBytes) return "short";
    const start = Math.floor(offset / blockBytes) * blockBytes;
    const end = Math.min(file.sizeBytes, Math.ceil((offset + length) / blockBytes) * blockBytes);
    const bytes = await this.#attempt(key, (handle) => readFully(handle, start, end - start));
    if (bytes !== undefined && isIntact(bytes, start, file.blocks)) {
      const range = Buffer.allocUnsafeSlow(length);
      bytes.copy(range, 0, offset - start, offset - start + length);
      return range;
    }
    await this.remove(key);
    return undefined;
  }

  /** Keeps a copy, if there is room for one of this size. The caller vouches that the bytes match the key. */
  async save(key: string, body: ObjectBody): Promise<void> {
    const folder = await this.#folder();
    const path = await this.#pathOf(key);
    if (folder === undefined || path === undefined || this.#isBroken) return;
    const bytes = bodySizeBytes(body);
    try {
      if (bytes > Math.min(maxCachedBytes, (await this.#space.limitBytes()) * shareOfLimit)) return;
      await writeAside(path, body);
      this.#verified.delete(key);
      await this.#space.added(bytes);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  async remove(key: string): Promise<void> {
    this.#verified.delete(key);
    const path = await this.#pathOf(key);
    if (path !== undefined) await unlink(path).catch(() => undefined); // not there, or not ours to remove
  }

  /** Keys of all copies below a prefix. */
  async keys(prefix: string): Promise<string[]> {
    const folder = await this.#folder();
    if (folder === undefined) return [];
    const keys: string[] = [];
    for (const kind of cachedKinds) {
      if (!prefix.startsWith(listPrefix(kind)) && !listPrefix(kind).startsWith(prefix)) continue;
      const names = await readdir(join(folder, kind), { recursive: true }).catch(() => []);
      for (const name of names) {
        const id = idFromKey("pack", `data/${name}`);
        const key = id === undefined ? undefined : keyOf(kind, id);
        if (key?.startsWith(prefix) === true) keys.push(key);
      }
    }
    return keys;
  }

  async #open(location: string): Promise<string | undefined> {
    const { directory, removeOld = false, onRemovedOld, clock } = this.#options;
    try {
      const folder = await openCacheFolder(directory, location, clock());
      const count = removeOld ? await removeOldCaches(directory, clock()) : 0;
      if (count > 0) onRemovedOld?.(count);
      return folder;
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  #giveUp(error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.onWarning?.(`nothing is kept in the cache ${this.#options.directory}: ${reason}`);
  }

  #verify(key: string): Promise<VerifiedFile | undefined> {
    const known = this.#verified.get(key);
    if (known !== undefined) return Promise.resolve(known);
    let verifying = this.#verifying.get(key);
    if (verifying === undefined) {
      verifying = this.#verifyWhole(key).finally(() => this.#verifying.delete(key));
      this.#verifying.set(key, verifying);
    }
    return verifying;
  }

  async #verifyWhole(key: string): Promise<VerifiedFile | undefined> {
    const bytes = await this.read(key);
    if (bytes === undefined) return undefined;
    const file = { sizeBytes: bytes.length, blocks: checksumsOf(bytes) };
    this.#verified.set(key, file);
    return file;
  }

  #readFile(key: string): Promise<Buffer | undefined> {
    return this.#attempt(key, async (handle, path) => {
      const { size } = await handle.stat();
      if (size > maxCachedBytes) return undefined;
      await this.#markUsed(key, path);
      return readFully(handle, 0, size);
    });
  }

  /** Undefined for whatever goes wrong: the store has the file, too. */
  async #attempt(
    key: string,
    work: (handle: FileHandle, path: string) => Promise<Buffer | undefined>,
  ): Promise<Buffer | undefined> {
    const path = await this.#pathOf(key);
    if (path === undefined) return undefined;
    try {
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        return await work(handle, path);
      } finally {
        await handle.close();
      }
    } catch {
      // Absent, unreadable or cut off.
      return undefined;
    }
  }

  /** What is removed first is what was not used for longest; once a run is exact enough. */
  async #markUsed(key: string, path: string): Promise<void> {
    if (this.#used.has(key)) return;
    this.#used.add(key);
    const seconds = this.#options.clock() / 1000;
    await utimes(path, seconds, seconds).catch(() => undefined); // a cache of somebody else, which may still be read
  }

  async #pathOf(key: string): Promise<string | undefined> {
    const place = placeOf(key);
    const folder = await this.#folder();
    if (place === undefined || folder === undefined) return undefined;
    return join(folder, place.kind, place.id.slice(0, 2), place.id);
  }
}

function placeOf(key: string): { readonly kind: FileKind; readonly id: string } | undefined {
  for (const kind of cachedKinds) {
    const id = idFromKey(kind, key);
    if (id !== undefined && keyOf(kind, id) === key) return { kind, id };
  }
  return undefined;
}

/** Not synced: what a crash leaves incomplete does not match its name. */
async function writeAside(path: string, body: ObjectBody): Promise<void> {
  const temporary = `${path}-tmp-${randomBytes(8).toString("hex")}`;
  const handle = await openNew(temporary);
  try {
    await writeFully(handle, bodyParts(body), undefined).finally(() => handle.close());
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // the error that brought us here matters more
    throw error;
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    await makeFolders(dirname(path), 0o700);
    return open(path, "wx", 0o600);
  }
}

function checksumsOf(bytes: Buffer): Uint32Array {
  const blocks = new Uint32Array(Math.ceil(bytes.length / blockBytes));
  for (const block of blocks.keys())
    blocks[block] = crc32(bytes.subarray(block * blockBytes, (block + 1) * blockBytes));
  return blocks;
}

/** @param start a multiple of the block size */
function isIntact(bytes: Buffer, start: number, blocks: Uint32Array): boolean {
  return checksumsOf(bytes).every((checksum, index) => checksum === blocks[start / blockBytes + index]);
}
