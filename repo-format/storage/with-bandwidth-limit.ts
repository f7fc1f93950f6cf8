// Keeps the bytes of objects that are sent and received below a rate, all requests together. The store itself calls for
// each piece of a body, so that the rate is even and a connection is never silent for long. Lock files do not wait: a lock
// that cannot be refreshed in time is lost. Listings and headers are not counted.
import { ForwardingStorage } from "./forwarding-storage.ts";
import { isLockKey } from "./key-layout.ts";
import type {
  GetOptions,
  GetRangeOptions,
  ObjectBody,
  ObjectStorage,
  PutOptions,
  RequestOptions,
} from "./object-storage.ts";
import { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";

/** Bytes a second; absent: no limit. */
export interface BandwidthLimits extends Pick<TokenBucketOptions, "monotonicClock" | "sleep"> {
  readonly uploadBytesPerSecond?: number | undefined;
  readonly downloadBytesPerSecond?: number | undefined;
}

/** @throws RepositoryError "argument-invalid" for a rate that is not above 0 */
export function withBandwidthLimit(storage: ObjectStorage, limits: BandwidthLimits): ObjectStorage {
  const { uploadBytesPerSecond: upload, downloadBytesPerSecond: download, ...time } = limits;
  if (upload === undefined && download === undefined) return storage;
  const bucketOf = (bytesPerSecond: number | undefined): TokenBucket | undefined =>
    bytesPerSecond === undefined ? undefined : new TokenBucket({ ...time, bytesPerSecond });
  return new PacedStorage(storage, bucketOf(upload), bucketOf(download));
}

class PacedStorage extends ForwardingStorage {
  readonly #upload: TokenBucket | undefined;
  readonly #download: TokenBucket | undefined;

  constructor(inner: ObjectStorage, upload: TokenBucket | undefined, download: TokenBucket | undefined) {
    super(inner);
    this.#upload = upload;
    this.#download = download;
  }

  override put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<void> {
    return this.inner.put(key, body, paced(key, options, this.#upload));
  }

  override putFile(key: string, path: string, options: RequestOptions = {}): Promise<number> {
    return this.inner.putFile(key, path, paced(key, options, this.#upload));
  }

  override get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return this.inner.get(key, paced(key, options, this.#download));
  }

  override getRange(key: string, offset: number, length: number, options: GetRangeOptions = {}): Promise<Buffer> {
    return this.inner.getRange(key, offset, length, paced(key, options, this.#download));
  }
}

function paced<T extends RequestOptions>(key: string, options: T, bucket: TokenBucket | undefined): T {
  if (bucket === undefined || isLockKey(key)) return options;
  return { ...options, pace: (bytes: number) => bucket.take(bytes, options.signal) };
}
