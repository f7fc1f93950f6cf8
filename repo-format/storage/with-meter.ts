// Counts requests and bytes as they pass, for metrics, for reports and for tests that bound the number of requests.
import { RepositoryError } from "../errors.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import { isLockKey, storedKindOf } from "./key-layout.ts";
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
import type { StorageMeter, StorageMethod } from "./storage-meter.ts";

export function withMeter(storage: ObjectStorage, meter: StorageMeter): ObjectStorage {
  return new MeteredStorage(storage, meter);
}

class MeteredStorage extends ForwardingStorage {
  readonly #meter: StorageMeter;

  constructor(inner: ObjectStorage, meter: StorageMeter) {
    super(inner);
    this.#meter = meter;
  }

  override get meter(): StorageMeter {
    return this.#meter;
  }

  override prepare(options?: RequestOptions): Promise<void> {
    return this.#count("prepare", "", () => this.inner.prepare(options));
  }

  override async put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    await this.#count("put", key, () => this.inner.put(key, body, options));
    this.#meter.bytesSent += bodySizeBytes(body);
  }

  override async putFile(key: string, path: string, options?: RequestOptions): Promise<number> {
    const sizeBytes = await this.#count("put", key, () => this.inner.putFile(key, path, options));
    this.#meter.bytesSent += sizeBytes;
    return sizeBytes;
  }

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.#received(await this.#count("get", key, () => this.inner.get(key, options)));
  }

  override async getRange(key: string, offset: number, length: number, options?: GetRangeOptions): Promise<Buffer> {
    const call = (): Promise<Buffer> => this.inner.getRange(key, offset, length, options);
    return this.#received(await this.#count("getRange", key, call));
  }

  override openFile(key: string, lengthBytes: number): number | undefined {
    const fd = this.inner.openFile?.(key, lengthBytes);
    if (fd === undefined) return undefined;
    this.#meter.requests.getRange += 1;
    this.#ended("getRange", "ok");
    this.#meter.answers += 1;
    this.#meter.bytesReceived += lengthBytes;
    return fd;
  }

  override stat(key: string, options?: RequestOptions): Promise<ObjectInfo> {
    return this.#count("stat", key, () => this.inner.stat(key, options));
  }

  override async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    this.#begin("list", prefix);
    let outcome = "ok";
    try {
      yield* this.inner.list(prefix, options);
    } catch (error) {
      outcome = this.#fail(error);
      throw error;
    } finally {
      // Also when the reader has seen enough.
      this.#ended("list", outcome);
    }
  }

  override listFolders(prefix: string, options?: RequestOptions): Promise<string[]> {
    return this.#count("listFolders", prefix, () => this.inner.listFolders(prefix, options));
  }

  override delete(key: string, options?: RequestOptions): Promise<void> {
    return this.#count("delete", key, () => this.inner.delete(key, options));
  }

  #begin(method: StorageMethod, key: string): void {
    this.#meter.requests[method] += 1;
    this.#meter.files[storedKindOf(key)] += 1;
  }

  async #count<T>(method: StorageMethod, key: string, call: () => Promise<T>): Promise<T> {
    this.#begin(method, key);
    try {
      const result = await call();
      this.#ended(method, "ok");
      if (!isLockKey(key)) this.#meter.answers += 1;
      return result;
    } catch (error) {
      this.#ended(method, this.#fail(error));
      throw error;
    }
  }

  /** @returns how it ended. */
  #fail(error: unknown): string {
    this.#meter.failures += 1;
    return outcomeCode(error);
  }

  #ended(method: StorageMethod, code: string): void {
    const codes = this.#meter.outcomes[method];
    codes[code] = (codes[code] ?? 0) + 1;
  }

  #received(bytes: Buffer): Buffer {
    this.#meter.bytesReceived += bytes.length;
    return bytes;
  }
}

/** What the store or the system said; else what the engine makes of it. All three are short lists. */
function outcomeCode(error: unknown): string {
  if (!RepositoryError.is(error)) return "unexpected";
  const { status, errno } = error.details;
  if (typeof status === "number") return String(status);
  return typeof errno === "string" ? errno : error.code;
}
