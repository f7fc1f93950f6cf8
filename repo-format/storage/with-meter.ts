// Counts requests and bytes, for metrics, for progress and for tests that bound the number of requests.
import { ForwardingStorage } from "./forwarding-storage.ts";
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
import { bodySizeBytes } from "./object-storage.ts";

export type StorageMethod = "prepare" | "put" | "get" | "getRange" | "stat" | "list" | "listFolders" | "delete";

/** Grows for as long as the storage is in use. A request counts when it begins, its bytes when it has succeeded. */
export interface StorageMeter {
  readonly requests: Record<StorageMethod, number>;
  failures: number;
  bytesSent: number;
  bytesReceived: number;
}

/** A meter at zero. */
export function newStorageMeter(): StorageMeter {
  const requests = { prepare: 0, put: 0, get: 0, getRange: 0, stat: 0, list: 0, listFolders: 0, delete: 0 };
  return { requests, failures: 0, bytesSent: 0, bytesReceived: 0 };
}

export function withMeter(storage: ObjectStorage, meter: StorageMeter): ObjectStorage {
  return new MeteredStorage(storage, meter);
}

class MeteredStorage extends ForwardingStorage {
  readonly #meter: StorageMeter;

  constructor(inner: ObjectStorage, meter: StorageMeter) {
    super(inner);
    this.#meter = meter;
  }

  override prepare(options?: RequestOptions): Promise<void> {
    return this.#count("prepare", () => this.inner.prepare(options));
  }

  override async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    await this.#count("put", () => this.inner.put(key, body, options));
    this.#meter.bytesSent += bodySizeBytes(body);
  }

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.#received(await this.#count("get", () => this.inner.get(key, options)));
  }

  override async getRange(key: string, offset: number, length: number, options?: GetRangeOptions): Promise<Buffer> {
    return this.#received(await this.#count("getRange", () => this.inner.getRange(key, offset, length, options)));
  }

  override openFile(key: string, lengthBytes: number): number | undefined {
    const fd = this.inner.openFile?.(key, lengthBytes);
    if (fd === undefined) return undefined;
    this.#meter.requests.getRange += 1;
    this.#meter.bytesReceived += lengthBytes;
    return fd;
  }

  override stat(key: string, options?: RequestOptions): Promise<ObjectInfo> {
    return this.#count("stat", () => this.inner.stat(key, options));
  }

  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    this.#meter.requests.list += 1;
    try {
      yield* this.inner.list(prefix, options);
    } catch (error) {
      this.#meter.failures += 1;
      throw error;
    }
  }

  override listFolders(prefix: string, options?: RequestOptions): Promise<string[]> {
    return this.#count("listFolders", () => this.inner.listFolders(prefix, options));
  }

  override delete(key: string, options?: RequestOptions): Promise<void> {
    return this.#count("delete", () => this.inner.delete(key, options));
  }

  async #count<T>(method: StorageMethod, call: () => Promise<T>): Promise<T> {
    this.#meter.requests[method] += 1;
    try {
      return await call();
    } catch (error) {
      this.#meter.failures += 1;
      throw error;
    }
  }

  #received(bytes: Buffer): Buffer {
    this.#meter.bytesReceived += bytes.length;
    return bytes;
  }
}
