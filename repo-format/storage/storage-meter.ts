// The counters of a store's requests, and what a report says of them.
import type { StoredKind } from "./key-layout.ts";

export type StorageMethod = "prepare" | "put" | "get" | "getRange" | "stat" | "list" | "listFolders" | "delete";

/** Grows for as long as the storage is in use. A request counts when it begins, its bytes when it has succeeded. */
export interface StorageMeter {
  /** A listing counts once, however many pages it has. */
  readonly requests: Record<StorageMethod, number>;
  /** The same requests by what they were about. */
  readonly files: Record<StoredKind, number>;
  /** How requests have ended: "ok", else the HTTP status, the system's error code, or ours. */
  readonly outcomes: Record<StorageMethod, Record<string, number>>;
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
  const outcomes = { prepare: {}, put: {}, get: {}, getRange: {}, stat: {}, list: {}, listFolders: {}, delete: {} };
  return { requests, files, outcomes, answers: 0, failures: 0, retries: 0, bytesSent: 0, bytesReceived: 0 };
}

/** Methods as a report names them: a part of an object is got, too, and a folder is listed. */
type StorageVerb = "get" | "put" | "list" | "delete" | "stat";

/** Requests and bytes of a while; what shared the store meanwhile is in it. */
export interface StorageTraffic {
  /** Tries that were made again count again; a listing counts once. */
  readonly requests: Readonly<Record<StorageVerb, number>>;
  /** The same requests by how they ended; those that go on are missing. */
  readonly outcomes: Readonly<Record<StorageVerb, Readonly<Record<string, number>>>>;
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
    outcomes: outcomesOf(meter, earlier),
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

function outcomesOf({ outcomes }: StorageMeter, earlier: StorageTraffic | undefined): StorageTraffic["outcomes"] {
  const of = (verb: StorageVerb, ...methods: StorageMethod[]): Readonly<Record<string, number>> => {
    const sums: Record<string, number> = {};
    for (const method of methods) {
      for (const [code, count] of Object.entries(outcomes[method])) sums[code] = (sums[code] ?? 0) + count;
    }
    return difference(sums, earlier?.outcomes[verb]);
  };
  return {
    get: of("get", "get", "getRange"),
    put: of("put", "put"),
    list: of("list", "list", "listFolders"),
    delete: of("delete", "delete"),
    stat: of("stat", "stat", "prepare"),
  };
}
