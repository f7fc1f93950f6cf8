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
  /** In the place of a rate: buckets that several stores share, and whose rates may change meanwhile. */
  readonly uploadBucket?: TokenBucket | undefined;
  readonly downloadBucket?: TokenBucket | undefined;
}

/** @throws RepositoryError "argument-invalid" for a rate that is not above 0 */
export function withBandwidthLimit(storage: ObjectStorage, limits: BandwidthLimits): ObjectStorage {
  const { monotonicClock, sleep } = limits;
  const bucketOf = (bytesPerSecond: number | undefined): TokenBucket | undefined =>
    bytesPerSecond === undefined ? undefined : new TokenBucket({ monotonicClock, sleep, bytesPerSecond });
  const upload = limits.uploadBucket ?? bucketOf(limits.uploadBytesPerSecond);
  const download = limits.downloadBucket ?? bucketOf(limits.downloadBytesPerSecond);
  if (upload === undefined && download === undefined) return storage;
  return new PacedStorage(storage, upload, download);
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

  /** Threads that read a file themselves pass by the bucket. */
  override openFile(key: string, lengthBytes: number): number | undefined {
    const isFree = this.#download === undefined || this.#download.isUnlimited;
    return isFree ? this.inner.openFile?.(key, lengthBytes) : undefined;
  }
}

function paced<T extends RequestOptions>(key: string, options: T, bucket: TokenBucket | undefined): T {
  // Bodies that nobody holds back go out in larger pieces.
  if (bucket === undefined || bucket.isUnlimited || isLockKey(key)) return options;
  return { ...options, pace: (bytes: number) => bucket.take(bytes, options.signal) };
}
