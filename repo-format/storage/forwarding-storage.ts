// The base of every wrapper: hands each call on unchanged. A wrapper overrides what it is about.
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
import type { StorageMeter } from "./storage-meter.ts";

export class ForwardingStorage implements ObjectStorage {
  protected readonly inner: ObjectStorage;

  constructor(inner: ObjectStorage) {
    this.inner = inner;
  }

  get location(): string {
    return this.inner.location;
  }

  get connections(): number {
    return this.inner.connections;
  }

  get atomicReplace(): boolean {
    return this.inner.atomicReplace;
  }

  get listsAtOnce(): boolean {
    return this.inner.listsAtOnce;
  }

  get clockOffsetMs(): number | undefined {
    return this.inner.clockOffsetMs;
  }

  get meter(): StorageMeter | undefined {
    return this.inner.meter;
  }

  prepare(options?: RequestOptions): Promise<void> {
    return this.inner.prepare(options);
  }

  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void> {
    return this.inner.put(key, body, options);
  }

  putFile(key: string, path: string, options?: RequestOptions): Promise<number> {
    return this.inner.putFile(key, path, options);
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.inner.get(key, options);
  }

  getRange(key: string, offset: number, length: number, options?: GetRangeOptions): Promise<Buffer> {
    return this.inner.getRange(key, offset, length, options);
  }

  /** A wrapper that need not see the bytes says so by handing this on. */
  openFile(_key: string, _lengthBytes: number): number | undefined {
    return undefined;
  }

  stat(key: string, options?: RequestOptions): Promise<ObjectInfo> {
    return this.inner.stat(key, options);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo> {
    return this.inner.list(prefix, options);
  }

  listFolders(prefix: string, options?: RequestOptions): Promise<string[]> {
    return this.inner.listFolders(prefix, options);
  }

  signedUrl(key: string, validMs: number, options?: RequestOptions): Promise<string | undefined> {
    return this.inner.signedUrl?.(key, validMs, options) ?? Promise.resolve(undefined);
  }

  delete(key: string, options?: RequestOptions): Promise<void> {
    return this.inner.delete(key, options);
  }

  removeEmptyFolders(prefix: string): Promise<void> {
    return this.inner.removeEmptyFolders?.(prefix) ?? Promise.resolve();
  }

  retain(prefix: string, isInUse: (key: string) => boolean): Promise<void> {
    return this.inner.retain?.(prefix, isInUse) ?? Promise.resolve();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
