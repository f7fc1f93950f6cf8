// Repository locations as users write them, in restic's forms, and the one place where a store is put together from its
// wrappers.
import { posix } from "node:path";
import { RepositoryError } from "../errors.ts";
import type { CacheOptions } from "./cache/cached-files.ts";
import { InMemoryStorage } from "./in-memory.ts";
import { LocalDirectoryStorage } from "./local-directory.ts";
import type { ObjectStorage } from "./object-storage.ts";
import type { S3ConnectionOptions } from "./s3/s3-options.ts";
import { newStorageMeter, type StorageMeter } from "./storage-meter.ts";
import { type BandwidthLimits, withBandwidthLimit } from "./with-bandwidth-limit.ts";
import { withCache } from "./with-cache.ts";
import { withConnectionLimit } from "./with-connection-limit.ts";
import { withMeter } from "./with-meter.ts";
import type { RetryOptions } from "./with-retry.ts";
import { withRetry } from "./with-retry.ts";

export type StorageLocation =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "memory" }
  | { readonly kind: "s3"; readonly endpoint: string; readonly bucket: string; readonly prefix: string };

/** How to open a store; the location says which. */
export interface StorageOptions {
  /** Make the directory or the bucket where it is absent: for `init`. */
  readonly create?: boolean | undefined;
  /** Requests at a time; default 2 for a directory, 5 for S3. Lock files are not counted. */
  readonly connections?: number | undefined;
  /** Absent: up to 15 min. */
  readonly retry?: RetryOptions | undefined;
  /**
   * Counts what goes over the wire, repeated attempts included; one meter may serve several stores. Each store has one of
   * its own besides.
   */
  readonly meter?: StorageMeter | undefined;
  /** Bytes a second, sent and received, of all requests together. Default: no limit. */
  readonly bandwidth?: BandwidthLimits | undefined;
  /** Keep copies of index files, snapshots and tree packs on this machine. Default: none are kept. */
  readonly cache?: CacheOptions | undefined;
  readonly s3?: S3ConnectionOptions | undefined;
}

/**
 * Opens the store at a location; asks nothing of it yet. Close it when done.
 * @param location "/dir", "dir", "local:dir", "memory:", "s3:https://host[:port]/bucket[/prefix]", "s3:host/bucket",
 *   "s3://host/bucket": the first part is always the host.
 * @throws RepositoryError "storage-misconfigured" for a location or settings that cannot work.
 */
export async function openStorage(location: string, options: StorageOptions = {}): Promise<ObjectStorage> {
  const opened = await openStore(parseLocation(location), options);
  const store = options.bandwidth === undefined ? opened : withBandwidthLimit(opened, options.bandwidth);
  const own = newStorageMeter();
  // The outer one is what `meter` of the whole answers.
  const metered = withMeter(options.meter === undefined ? store : withMeter(store, options.meter), own);
  // A pause between attempts holds no connection, so retry lies outside the limit.
  const retried = withRetry(withConnectionLimit(metered), countingRetries(options.retry, [own, options.meter]));
  return options.cache === undefined ? retried : withCache(retried, options.cache);
}

function countingRetries(retry: RetryOptions | undefined, meters: readonly (StorageMeter | undefined)[]): RetryOptions {
  const onRetry: RetryOptions["onRetry"] = (event) => {
    for (const meter of meters) if (meter !== undefined) meter.retries += 1;
    retry?.onRetry?.(event);
  };
  return { ...retry, onRetry };
}

/** What a location names, without opening it. @throws RepositoryError "storage-misconfigured" */
export function parseLocation(location: string): StorageLocation {
  const scheme = /^([a-z][a-z0-9]*):/.exec(location)?.[1];
  if (scheme === "s3") return parseS3(location);
  if (scheme === "memory" && location === "memory:") return { kind: "memory" };
  if (scheme === "local") return parseLocal(location.slice("local:".length));
  if (scheme !== undefined && otherSchemes.has(scheme)) {
    throw misconfigured(`repositories at "${scheme}:" are not supported; use s3:, local: or a directory`);
  }
  // As in restic: what looks like an unknown scheme is no directory by accident.
  if (location.includes(":") && !/^(\/|\.\.\/)/.test(location)) {
    throw misconfigured('the location has an unknown scheme; for a local directory put "local:" before it');
  }
  return parseLocal(location);
}

const otherSchemes: ReadonlySet<string> = new Set([
  "azure",
  "b2",
  "gs",
  "http",
  "https",
  "rclone",
  "rest",
  "sftp",
  "swift",
]);

async function openStore(location: StorageLocation, options: StorageOptions): Promise<ObjectStorage> {
  const connections = options.connections === undefined ? {} : { connections: options.connections };
  const create = options.create ?? false;
  if (location.kind === "memory") return new InMemoryStorage();
  if (location.kind === "local") return new LocalDirectoryStorage(location.path, { ...connections, create });
  const { endpoint, bucket, prefix } = location;
  // Loaded for those who need it: the SDK takes 70 ms and 10 MiB, a fifth of a short command on a directory.
  const { S3Storage } = await import("./s3/s3-storage.ts");
  return new S3Storage({ createBucket: create, ...options.s3, ...connections, endpoint, bucket, prefix });
}

function parseLocal(path: string): StorageLocation {
  if (path === "") throw misconfigured("the location is empty");
  return { kind: "local", path };
}

/** Forms: s3:http(s)://host/bucket/prefix, s3://host/bucket/prefix, s3:host/bucket/prefix (restic: internal/backend/s3). */
function parseS3(location: string): StorageLocation {
  const rest = location.slice("s3:".length);
  const match = /^(?<scheme>https?:\/\/|\/\/)?(?<host>[^/]*)\/?(?<bucket>[^/]*)\/?(?<prefix>.*)$/s.exec(rest);
  const { scheme = "", host = "", bucket = "", prefix = "" } = match?.groups ?? {};
  if (host === "") throw misconfigured('the S3 location has no host; write "s3:https://host/bucket/prefix"');
  if (bucket === "") throw misconfigured('the S3 location has no bucket; write "s3:https://host/bucket/prefix"');
  const endpoint = endpointOf(scheme === "http://" ? "http" : "https", host);
  return { kind: "s3", endpoint, bucket, prefix: cleanPrefix(prefix) };
}

/** A region's name in the place of the host means Amazon's endpoint there. */
function endpointOf(scheme: string, host: string): string {
  const isRegion = /^[a-z]{2}(-[a-z]+)+-\d+$/.test(host);
  const china = host.startsWith("cn-") ? ".cn" : "";
  const text = `${scheme}://${isRegion ? `s3.${host}.amazonaws.com${china}` : host}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  // The host is not quoted: somebody may have put a password into it.
  if (!isPlain) throw misconfigured("the S3 location's host is not valid; credentials do not belong into it");
  return url.origin;
}

/** No slash at either end, none doubled, no "." or ".."; the same for every way of writing it. */
function cleanPrefix(prefix: string): string {
  const clean = posix.normalize(`/${prefix}`).slice(1).replace(/\/$/, "");
  return clean;
}

function misconfigured(message: string): RepositoryError {
  return new RepositoryError("storage-misconfigured", message);
}
