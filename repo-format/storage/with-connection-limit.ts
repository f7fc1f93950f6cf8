// Bounds the requests that run at the same time. Lock files are let past the bound: a lock that cannot be refreshed
// because data is queued before it would be lost (restic: internal/backend/sema). Listings are not counted: a listing
// is consumed while other requests run for its items, and would wait for its own consumer.
import { RepositoryError } from "../errors.ts";
import { ForwardingStorage } from "./forwarding-storage.ts";
import { isLockKey } from "./key-layout.ts";
import type {
  GetOptions,
  GetRangeOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import { Slots } from "./slots.ts";

export function withConnectionLimit(storage: ObjectStorage, limit: number = storage.connections): ObjectStorage {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new RepositoryError("argument-invalid", `the number of connections must be at least 1; got ${limit}`);
  }
  return new LimitedStorage(storage, limit);
}

class LimitedStorage extends ForwardingStorage {
  readonly #slots: Slots;

  constructor(inner: ObjectStorage, limit: number) {
    super(inner);
    this.#slots = new Slots(limit);
  }

  override put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    return this.#limit(key, options, () => this.inner.put(key, body, options));
  }

  override putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    return this.#limit(key, options, () => this.inner.putFile(key, path, options));
  }

  override get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return this.#limit(key, options, () => this.inner.get(key, options));
  }

  override getRange(key: string, offset: number, length: number, options: GetRangeOptions = {}): Promise<Buffer> {
    return this.#limit(key, options, () => this.inner.getRange(key, offset, length, options));
  }

  /** The disk's own reads need no bound. */
  override openFile(key: string, lengthBytes: number): number | undefined {
    return this.inner.openFile?.(key, lengthBytes);
  }

  override stat(key: string, options: RequestOptions = {}): Promise<ObjectInfo> {
    return this.#limit(key, options, () => this.inner.stat(key, options));
  }

  override delete(key: string, options: RequestOptions = {}): Promise<void> {
    return this.#limit(key, options, () => this.inner.delete(key, options));
  }

  async #limit<T>(key: string, options: RequestOptions, call: () => Promise<T>): Promise<T> {
    if (isLockKey(key)) return call();
    await this.#slots.take(options.signal);
    try {
      return await call();
    } finally {
      this.#slots.release();
    }
  }
}
