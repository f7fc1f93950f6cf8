// The one interface between the engine and whatever keeps its objects: a directory, memory, an S3 bucket. Retry,
// connection limit and metering are wrappers of the same shape, so that nobody above needs to know which is there.
import { RepositoryError } from "../errors.ts";
import type { StorageMeter } from "./storage-meter.ts";

/** A stored object; size in bytes. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
}

export interface RequestOptions {
  /** Ends the request as soon as possible with "cancelled". What a cancelled `put` left behind is not defined. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `put`, `get` and `getRange` call it for every piece of the body: before they send it, or when they have received it. They
   * wait for it before they go on, and what it throws ends the request.
   */
  readonly pace?: ((bytes: number) => Promise<void>) | undefined;
}

export interface GetOptions extends RequestOptions {
  /** A larger object is "object-too-large" and costs no memory. */
  readonly maxBytes?: number | undefined;
}

export interface GetRangeOptions extends RequestOptions {
  /** True for a pack that holds trees: a cache keeps all of it, because more will be wanted. */
  readonly isTreePack?: boolean | undefined;
  /**
   * Memory with room for the range, which nobody else touches until the call has ended. A store that can puts the bytes at
   * its beginning, and what it returns is that part of it; others return memory of their own as ever.
   */
  readonly into?: Uint8Array<ArrayBuffer> | undefined;
}

export interface ListOptions extends RequestOptions {
  /** Only keys after this one. */
  readonly startAfter?: string | undefined;
}

export interface PutOptions extends RequestOptions {
  /** SHA-256 of the body in hex. A store that can verify it refuses other bytes; the caller vouches for it. */
  readonly sha256?: string | undefined;
  /** Fails with "object-exists" when the key is taken. For small objects: some stores answer before reading the body. */
  readonly ifAbsent?: boolean | undefined;
  /** True for a pack that holds trees: it is read often, so it never goes to an archive storage class. */
  readonly isTreePack?: boolean | undefined;
}

/** Bytes to store: one buffer, or several that are stored one after the other without being copied together. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

/**
 * A flat map from key to bytes.
 *
 * Keys: segments joined by "/", none of them empty, "." or "..", no NUL, at most 1024 bytes; anything else is
 * "argument-invalid". A prefix for `list` is empty or ends with "/".
 *
 * Atomicity: an object is seen whole or not at all, and once `put` has resolved it survives a crash of the store and is
 * seen by every later `get`, `stat` and `list` of every client. Objects are immutable in practice: the engine puts a key
 * again only with the same bytes (a retry), or replaces `config`. `ifAbsent` lets exactly one of several racing writers win.
 *
 * Repeats: every method may be called again after a failure. `put` of the same body and `delete` change nothing the
 * second time. A `put` that failed may still have stored the object, whole; where `atomicReplace` is false it may have
 * stored a part, and the caller deletes the key before it tries again.
 *
 * Order: calls may run side by side in any number and finish in any order.
 *
 * Errors: RepositoryError only. Permanent: "object-missing", "object-exists", "range-invalid", "storage-denied",
 * "storage-full", "storage-misconfigured", "argument-invalid", "object-too-large", "cancelled". Worth another try:
 * "storage-unavailable", "object-truncated". Messages name the location and the key, never a secret.
 */
export interface ObjectStorage {
  /** For people, e.g. "s3:https://host/bucket/prefix" or "/srv/repo"; never holds a secret. */
  readonly location: string;
  /** How many requests at a time serve this store best: 2 for a directory, 5 for S3, unless set otherwise. */
  readonly connections: number;
  /** True when a `put` that fails leaves nothing or the whole object under its key. */
  readonly atomicReplace: boolean;
  /** True when a listing shows for sure what any other process stored before the listing began. */
  readonly listsAtOnce: boolean;
  /** The store's clock minus ours as last seen; undefined where the store has no other clock or has not answered yet. */
  readonly clockOffsetMs: number | undefined;
  /** What was asked of the store so far; absent where nobody counts. */
  readonly meter?: StorageMeter | undefined;

  /** Makes the place where objects go (the directory, or the bucket where that was asked for). Repeats change nothing. */
  prepare(options?: RequestOptions): Promise<void>;
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<void>;
  /**
   * Stores a file of this machine in small pieces, so that it costs no memory; else as `put`. Nobody may write to the file
   * meanwhile. S3 takes at most 5 GiB.
   * @returns its size in bytes.
   * @throws "source-unreadable" when the file cannot be read; "object-refused" when it changed while it was sent.
   */
  putFile(key: string, path: string, options?: RequestOptions): Promise<number>;
  /** The whole object, in a buffer whose memory is its own (it may be transferred to a thread). */
  get(key: string, options?: GetOptions): Promise<Buffer>;
  /**
   * Exactly `length` bytes from `offset`; own memory as with `get`. A negative offset counts from the end and then may
   * give fewer bytes, as many as a shorter object has.
   * @throws "range-invalid" when the object ends before the range does; "object-truncated" when the transfer broke off.
   */
  getRange(key: string, offset: number, length: number, options?: GetRangeOptions): Promise<Buffer>;
  /**
   * A descriptor of the object's file, for threads that read it themselves; whoever asks closes it. Undefined, or absent,
   * where objects are no files of this machine, where something between has to see the bytes, and when it cannot be opened.
   * @param lengthBytes that are going to be read.
   */
  openFile?(key: string, lengthBytes: number): number | undefined;
  stat(key: string, options?: RequestOptions): Promise<ObjectInfo>;
  /**
   * Every object whose key begins with the prefix, recursively, full keys, in ascending order of their bytes. An absent
   * prefix lists nothing. Objects put or deleted meanwhile may show or not. Temporary files of the store do not show.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Names of the folders directly below the prefix, without "/": first segments of longer keys. A directory shows empty ones, too. */
  listFolders(prefix: string, options?: RequestOptions): Promise<string[]>;
  /**
   * A URL from which anybody may read the object for so long, whether or not it exists; absent, or undefined, where the store
   * cannot say one. It holds a signature: not for logs.
   */
  signedUrl?(key: string, validMs: number, options?: RequestOptions): Promise<string | undefined>;
  /** An absent key is success. */
  delete(key: string, options?: RequestOptions): Promise<void>;
  /**
   * Removes the folder that a prefix names, and those in it, as far as they are empty; absent where folders are nothing by
   * themselves. Never fails: a folder more does no harm.
   */
  removeEmptyFolders?(prefix: string): Promise<void>;
  /** Tells a store that keeps copies which objects below the prefix are in use: it drops the copies of others. Never fails. */
  retain?(prefix: string, isInUse: (key: string) => boolean): Promise<void>;
  /** Lets go of connections. No other call may follow. */
  close(): Promise<void>;
}

export function bodyParts(body: ObjectBody): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : body;
}

export function bodySizeBytes(body: ObjectBody): number {
  return bodyParts(body).reduce((sum, part) => sum + part.length, 0);
}

const maxKeyBytes = 1024;

/** Refuses keys that could leave the store's place or that stores take apart differently. */
export function checkKey(key: string): void {
  const isSound =
    key.length > 0 && Buffer.byteLength(key) <= maxKeyBytes && key.isWellFormed() && areSegmentsSound(key.split("/"));
  if (!isSound) throw invalidArgument(`${JSON.stringify(key.slice(0, 100))} is not a valid object key`);
}

export function checkPrefix(prefix: string): void {
  if (prefix === "") return;
  if (!prefix.endsWith("/")) throw invalidArgument(`a listing prefix ends with "/"; got ${JSON.stringify(prefix)}`);
  checkKey(prefix.slice(0, -1));
}

/** @param offset negative: from the end. */
export function checkRange(offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && length >= 0) return;
  throw invalidArgument(`a range needs whole numbers and no negative length; got offset ${offset}, length ${length}`);
}

function areSegmentsSound(segments: readonly string[]): boolean {
  return segments.every((segment) => segment !== "" && segment !== "." && segment !== ".." && !segment.includes("\0"));
}

function invalidArgument(message: string): RepositoryError {
  return new RepositoryError("argument-invalid", message);
}

/** The error for an absent key; every store says it alike. */
export function objectMissing(location: string, key: string, cause?: unknown): RepositoryError {
  return new RepositoryError("object-missing", `${key} does not exist in ${location}`, { details: { key }, cause });
}

export function objectExists(location: string, key: string, cause?: unknown): RepositoryError {
  return new RepositoryError("object-exists", `${key} exists already in ${location}`, { details: { key }, cause });
}

/** The error for an object above `maxBytes`; who may write to the store may put anything there. */
export function objectTooLarge(location: string, key: string, maxBytes: number): RepositoryError {
  return new RepositoryError("object-too-large", `${key} in ${location} has more than ${maxBytes} bytes`, {
    details: { key, maxBytes },
  });
}

export function rangeInvalid(
  location: string,
  key: string,
  range: { offset: number; length: number },
): RepositoryError {
  const wanted = `${range.length} bytes from offset ${range.offset}`;
  return new RepositoryError("range-invalid", `${key} in ${location} ends before ${wanted}`, {
    details: { key, ...range },
  });
}

/** The order of listings: by UTF-8 bytes, as S3 has it. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
