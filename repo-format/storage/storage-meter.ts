// The counters of a store's requests, and what a report says of them.
import type { StoredKind } from "./key-layout.ts";

export type StorageMethod = "prepare" | "put" | "get" | "getRange" | "stat" | "list" | "listFolders" | "delete";

/** Grows for as long as the storage is in use. A request counts when it begins, its bytes when it has succeeded. */
export interface StorageMeter {
  /** A listing counts once, however many pages it has. */
  readonly requests: Record<StorageMethod, number>;
  /** The same requests by what they were about. */
  readonly files: Record<StoredKind, number>;
  /** Requests that succeeded, those about locks and listings left out: while it grows the store serves. */
  answers: number;
  failures: number;
  /** Requests that were made again after a failure; each is among the requests, too. */
  retries: number;
  bytesSent: number;
  bytesReceived: number;
}

/** A meter at zero. */
export function newStorageMeter(): StorageMeter {
  const requests = { prepare: 0, put: 0, get: 0, getRange: 0, stat: 0, list: 0, listFolders: 0, delete: 0 };
  const files = { config: 0, key: 0, lock: 0, snapshot: 0, index: 0, pack: 0, other: 0 };
  return { requests, files, answers: 0, failures: 0, retries: 0, bytesSent: 0, bytesReceived: 0 };
}

/** Requests and bytes of a while; what shared the store meanwhile is in it. */
export interface StorageTraffic {
  /** Tries that were made again count again; a listing counts once. */
  readonly requests: Readonly<Record<"get" | "put" | "list" | "delete" | "stat", number>>;
  /** The same requests by the kind of file that they were about. */
  readonly files: Readonly<Record<StoredKind, number>>;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly failures: number;
  readonly retries: number;
}

/** The meter's counts since `earlier`, or all of them; the result does not grow. */
export function trafficOf(meter: StorageMeter, earlier?: StorageTraffic): StorageTraffic {
  const { prepare, put, get, getRange, stat, list, listFolders, delete: deleted } = meter.requests;
  const requests = { get: get + getRange, put, list: list + listFolders, delete: deleted, stat: stat + prepare };
  return {
    requests: difference(requests, earlier?.requests),
    files: difference(meter.files, earlier?.files),
    bytesSent: meter.bytesSent - (earlier?.bytesSent ?? 0),
    bytesReceived: meter.bytesReceived - (earlier?.bytesReceived ?? 0),
    failures: meter.failures - (earlier?.failures ?? 0),
    retries: meter.retries - (earlier?.retries ?? 0),
  };
}

function difference<K extends string>(
  now: Readonly<Record<K, number>>,
  earlier: Readonly<Record<K, number>> | undefined,
): Record<K, number> {
  const entries = Object.entries<number>(now).map(([key, count]) => [key, count - (earlier?.[key as K] ?? 0)]);
  return Object.fromEntries(entries) as Record<K, number>;
}
