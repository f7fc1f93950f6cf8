// From Kubernetes objects to opened repositories, and the one bridge to the engine for settings. Repositories stay open:
// deriving the key and reading the index are paid for once, not for each volume.
import { hash } from "node:crypto";
import { stat } from "node:fs/promises";
import {
  initRepository,
  newStorageMeter,
  type ObjectStorage,
  openRepository,
  openStorage,
  parseLocation,
  type Repository,
  RepositoryError,
  type RepositoryIdentity,
  type RepositoryOptions,
  type StorageMeter,
  type StorageOptions,
  type StorageTraffic,
  trafficOf,
} from "../../repo-format/index.ts";
import type { BackupStorageLocation } from "../api/backup-storage-location.ts";
import { ConfigError } from "../platform/config-error.ts";
import { repositoryPassword, type SecretReader, s3Settings } from "./location-settings.ts";
import { localDirectory, objectsOf, repositoryIdentifier, rootOf } from "./repository-identifier.ts";

export interface RepositoryAccessOptions extends SecretReader {
  /** Who we are in lock files. */
  readonly identity: RepositoryIdentity;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long failing requests are tried again (15 min when absent), how many run at a time (5), how fast they may be. */
  readonly requests?: Pick<StorageOptions, "retry" | "connections" | "bandwidth">;
  /** Copies of index files, snapshots and tree packs of what lies in a bucket; a directory is as near as they would be. */
  readonly cache?: Omit<NonNullable<StorageOptions["cache"]>, "clock"> | undefined;
  /** How many repositories stay open; 16 when absent. */
  readonly maxOpen?: number;
}

export interface RepositoryTarget {
  readonly location: BackupStorageLocation;
  readonly volumeNamespace: string;
  /** `spec.repoIdentifier` of the PVB or PVR, which wins over the computed one. */
  readonly identifier?: string | undefined;
}

export interface LocationObjects {
  readonly storage: ObjectStorage;
  /** "" or ending with "/". */
  readonly prefix: string;
}

interface Access {
  readonly identifier: string;
  readonly password: string;
  readonly storageOptions: StorageOptions;
  /** Equal when nothing that matters has changed. */
  readonly cacheKey: string;
}

const validationRetry = { maxElapsedMs: 10_000 };

export class RepositoryAccess {
  readonly #options: RepositoryAccessOptions;
  /** Least recently used first. */
  readonly #open = new Map<string, Promise<Repository>>();
  readonly #meter: StorageMeter = newStorageMeter();

  constructor(options: RepositoryAccessOptions) {
    this.#options = options;
  }

  /**
   * The opened repository, from memory when it is open. Do not close it.
   * @throws ConfigError, KubeError, and RepositoryError such as "repository-missing", "wrong-password", "storage-denied"
   */
  open(target: RepositoryTarget, signal?: AbortSignal): Promise<Repository> {
    return this.#openWith(target, signal, (access) =>
      this.#withStorage(access, { create: false, signal }, openRepository),
    );
  }

  /** The same; makes the repository (in S3 the bucket too) when there is none. */
  openOrInit(target: RepositoryTarget, signal?: AbortSignal): Promise<Repository> {
    return this.#openWith(target, signal, (access) => this.#withStorage(access, { create: true, signal }, openOrInit));
  }

  /** What was asked of the stores of all repositories so far. */
  get traffic(): StorageTraffic {
    return trafficOf(this.#meter);
  }

  /** The next `open` starts afresh: for when a repository in memory does not fit the store any more. */
  forget(target: RepositoryTarget): void {
    const identifier = identifierOf(target);
    for (const key of this.#open.keys()) if (key.startsWith(`${identifier}\n`)) this.#open.delete(key);
  }

  /** Names of the folders at the top of the location; gives up on an unreachable store after some ten seconds. */
  async listTopFolders(location: BackupStorageLocation, signal?: AbortSignal): Promise<string[]> {
    await checkMounted(location);
    const s3 = await s3Settings(location, this.#options, signal);
    const storage = await openStorage(rootOf(location), { s3, retry: validationRetry });
    try {
      return await storage.listFolders("", { signal });
    } finally {
      await storage.close();
    }
  }

  /**
   * What lies in the location beside the repositories; the caller closes the storage. Keys begin with the prefix.
   * @throws ConfigError, KubeError
   */
  async openObjects(location: BackupStorageLocation, signal?: AbortSignal): Promise<LocationObjects> {
    await checkMounted(location);
    const s3 = await s3Settings(location, this.#options, signal);
    const { store, prefix } = objectsOf(location);
    const { clock, requests } = this.#options;
    const behaviour = { meter: this.#meter, ...requests };
    return { storage: await openStorage(store, { s3: { ...s3, clock }, ...behaviour }), prefix };
  }

  /** Ends all connections; nothing that was opened can be used after that. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#open.values());
    this.#open.clear();
    await Promise.all(opened.map((result) => (result.status === "fulfilled" ? result.value.close() : undefined)));
  }

  async #openWith(
    target: RepositoryTarget,
    signal: AbortSignal | undefined,
    open: (access: Access) => Promise<Repository>,
  ): Promise<Repository> {
    const access = await this.#accessOf(target, signal);
    for (;;) {
      const known = this.#open.get(access.cacheKey);
      const repository = known ?? open(access);
      this.#remember(access.cacheKey, repository);
      try {
        return await repository;
      } catch (error) {
        if (this.#open.get(access.cacheKey) === repository) this.#open.delete(access.cacheKey);
        // Whoever began to open it gave up; that is no reason for us to.
        const wasTheirs = known !== undefined && RepositoryError.is(error, "cancelled") && !signal?.aborted;
        if (!wasTheirs) throw error;
      }
    }
  }

  /** One that falls out is not closed: a transfer may still use it. Its idle connections end by themselves. */
  #remember(cacheKey: string, repository: Promise<Repository>): void {
    this.#open.delete(cacheKey);
    this.#open.set(cacheKey, repository);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= (this.#options.maxOpen ?? 16)) return;
      this.#open.delete(oldest);
    }
  }

  async #accessOf(target: RepositoryTarget, signal: AbortSignal | undefined): Promise<Access> {
    const identifier = identifierOf(target);
    await checkMounted(target.location);
    const [password, s3] = await Promise.all([
      repositoryPassword(this.#options, signal),
      s3Settings(target.location, this.#options, signal),
    ]);
    const settingsHash = hash("sha256", JSON.stringify([password, s3]), "hex");
    const storageOptions = { s3: { ...s3, clock: this.#options.clock }, ...this.#storageBehaviour(identifier) };
    return { identifier, password, storageOptions, cacheKey: `${identifier}\n${settingsHash}` };
  }

  #storageBehaviour(identifier: string): Partial<StorageOptions> {
    const { requests, cache, clock } = this.#options;
    const isCached = cache !== undefined && parseLocation(identifier).kind === "s3";
    return {
      ...requests,
      ...(isCached ? { cache: { ...cache, clock } } : {}),
      meter: this.#meter,
    };
  }

  async #withStorage(
    { identifier, password, storageOptions }: Access,
    { create, signal }: { create: boolean; signal: AbortSignal | undefined },
    open: (options: RepositoryOptions) => Promise<Repository>,
  ): Promise<Repository> {
    const { identity, clock } = this.#options;
    const storage = await openStorage(identifier, { ...storageOptions, create });
    try {
      return await open({ storage, password, identity, clock, signal });
    } catch (error) {
      await storage.close();
      throw error;
    }
  }
}

async function openOrInit(options: RepositoryOptions): Promise<Repository> {
  try {
    return await openRepository(options);
  } catch (error) {
    if (!RepositoryError.is(error, "repository-missing") && !hasNoBucket(error)) throw error;
    return await initRepository(options);
  }
}

function identifierOf({ location, volumeNamespace, identifier }: RepositoryTarget): string {
  return identifier === undefined || identifier === "" ? repositoryIdentifier(location, volumeNamespace) : identifier;
}

function hasNoBucket(error: unknown): boolean {
  return RepositoryError.is(error, "storage-misconfigured") && error.details.reason === "NoSuchBucket";
}

/** A directory that is not mounted here must not be mistaken for an empty store, let alone be made. */
async function checkMounted(location: BackupStorageLocation): Promise<void> {
  const path = localDirectory(location);
  if (path === undefined) return;
  const isDirectory = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isDirectory) return;
  const message = `the storage location ${location.metadata.name} cannot be used: ${path} is not a directory here; mount it`;
  throw new ConfigError("storage-location-unusable", message, { location: location.metadata.name, path });
}
