// Keeps copies of what is read again and again in a directory of this machine: index files, snapshots, and packs that hold
// trees, each as the store has it (sealed). They are named after their content, so a copy can be old only in one way: the
// store has the file no longer. Listings tell, and so does whoever has read the index (`retain`). Data packs, keys, locks
// and the config always come from the store.
import { hash } from "node:crypto";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { CachedFiles, type CacheOptions } from "./cache/cached-files.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import { isPackKey } from "./key-layout.ts";
import type {
  GetOptions,
  GetRangeOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import { checkRange, objectTooLarge, rangeInvalid } from "./object-storage.ts";
import { Slots } from "./slots.ts";

/** Whole packs are in memory while they are fetched; larger ones are read in parts. */
const maxPackBytes: number = 32 * 1024 * 1024;
const packsAtATime = 2;
/** A copy that does not last (no room, a bad disk) is fetched again once; then only what is asked for. */
const fetchesOfAPack = 2;

export function withCache(storage: ObjectStorage, options: CacheOptions): ObjectStorage {
  return new CachingStorage(storage, new CachedFiles(storage.location, options));
}

class CachingStorage extends ForwardingStorage {
  readonly #files: CachedFiles;
  /** Packs on their way; who wants another part of one waits for it. */
  readonly #fetching = new Map<string, Promise<Buffer | undefined>>();
  readonly #fetches = new Map<string, number>();
  readonly #slots = new Slots(packsAtATime);

  constructor(inner: ObjectStorage, files: CachedFiles) {
    super(inner);
    this.#files = files;
  }

  override async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    await this.inner.put(key, body, options);
    const isNamedAfterIt = options.sha256 !== undefined && key.endsWith(options.sha256);
    const isWanted = CachedFiles.isCacheable(key) && (!isPackKey(key) || options.isTreePack === true);
    if (isNamedAfterIt && isWanted) await this.#files.save(key, body);
  }

  override async putFile(key: string, path: string, options?: RequestOptions): Promise<number> {
    await this.#files.remove(key);
    return await this.inner.putFile(key, path, options);
  }

  override async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    if (isPackKey(key) || !CachedFiles.isCacheable(key)) return this.inner.get(key, options);
    throwIfCancelled(options.signal);
    const copy = await this.#files.read(key);
    throwIfCancelled(options.signal);
    const { maxBytes = Number.POSITIVE_INFINITY } = options;
    if (copy !== undefined && copy.length > maxBytes) throw objectTooLarge(this.location, key, maxBytes);
    if (copy !== undefined) return copy;
    const bytes = await this.inner.get(key, options);
    if (isItself(key, bytes)) await this.#files.save(key, bytes);
    return bytes;
  }

  override async getRange(key: string, offset: number, length: number, options: GetRangeOptions = {}): Promise<Buffer> {
    checkRange(offset, length);
    const fromStore = (): Promise<Buffer> => this.inner.getRange(key, offset, length, options);
    if (options.isTreePack !== true || offset < 0 || !CachedFiles.isCacheable(key)) return fromStore();
    throwIfCancelled(options.signal);
    const range = await this.#files.readRange(key, offset, length);
    throwIfCancelled(options.signal);
    if (range === "short") throw rangeInvalid(this.location, key, { offset, length });
    if (range !== undefined) return range;
    const pack = await this.#fetchPack(key, options);
    if (pack === undefined) return fromStore();
    if (offset + length > pack.length) throw rangeInvalid(this.location, key, { offset, length });
    const part = Buffer.allocUnsafeSlow(length);
    pack.copy(part, 0, offset, offset + length);
    return part;
  }

  override openFile(key: string, lengthBytes: number): number | undefined {
    return this.inner.openFile?.(key, lengthBytes);
  }

  /** A listing that was read to its end tells which copies have lost their original. */
  override async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const copies = new Set(options.startAfter === undefined ? await this.#files.keys(prefix) : []);
    for await (const info of this.inner.list(prefix, options)) {
      copies.delete(info.key);
      yield info;
    }
    for (const key of copies) await this.#files.remove(key);
  }

  override async retain(prefix: string, isInUse: (key: string) => boolean): Promise<void> {
    for (const key of await this.#files.keys(prefix)) if (!isInUse(key)) await this.#files.remove(key);
    await super.retain(prefix, isInUse);
  }

  override async delete(key: string, options?: RequestOptions): Promise<void> {
    // First: a request whose answer is lost may have deleted it.
    await this.#files.remove(key);
    await this.inner.delete(key, options);
  }

  /** The whole pack; undefined when it is not worth keeping, or not to be had: the part that is needed may be. */
  #fetchPack(key: string, options: RequestOptions): Promise<Buffer | undefined> {
    const underWay = this.#fetching.get(key);
    // Who began may have been cancelled: that is no answer for the others.
    if (underWay !== undefined) return underWay.catch(() => undefined);
    const fetches = this.#fetches.get(key) ?? 0;
    if (fetches >= fetchesOfAPack) return Promise.resolve(undefined);
    this.#fetches.set(key, fetches + 1);
    const fetching = this.#fetchWhole(key, options).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #fetchWhole(key: string, options: RequestOptions): Promise<Buffer | undefined> {
    if (!(await this.#files.isUsable())) return undefined;
    await this.#slots.take(options.signal);
    try {
      const pack = await this.inner.get(key, { ...options, maxBytes: maxPackBytes });
      if (!isItself(key, pack)) return undefined;
      await this.#files.save(key, pack);
      return pack;
    } catch (error) {
      if (!RepositoryError.is(error, "object-too-large")) throw error;
      this.#fetches.set(key, fetchesOfAPack);
      return undefined;
    } finally {
      this.#slots.release();
    }
  }
}

/** The bytes are those that the key names: what was damaged on its way is not kept. */
function isItself(key: string, bytes: Buffer): boolean {
  return key.endsWith(hash("sha256", bytes, "hex"));
}
