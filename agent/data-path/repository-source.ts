// The opened repository that a PodVolumeBackup or PodVolumeRestore names. Locks that an earlier process of this node
// left behind are removed when a repository is used for the first time.

import { parseTime, type Repository, RepositoryError, removeStaleLocks } from "../../repo-format/index.ts";
import { backupStorageLocations } from "../../src/api/resources.ts";
import type { TypedClient } from "../../src/kube/typed-client.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { errorFacts } from "../../src/platform/coded-error.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { RepositoryAccess } from "../../src/repository-access/repository-access.ts";
import { ensureBackupRepository } from "./ensure-backup-repository.ts";

/** What a resource says about its repository. */
export interface RepositoryAddress {
  /** The namespace whose volumes are in it. */
  readonly volumeNamespace: string;
  /** Name of the BackupStorageLocation. */
  readonly storageLocation: string;
  /** restic's location; "" when the resource does not say. */
  readonly repoIdentifier: string;
  /** Whether a missing repository is asked for: for a backup, not for a restore. */
  readonly mayBeNew: boolean;
}

/**
 * So long (ms) nobody asks anew where a repository is and what opens it: three requests of eleven to the API server for each
 * volume otherwise. A location or Secret that was changed counts as soon.
 */
const believedMs = 2000;

interface OpenedRepository {
  readonly repository: Repository;
  readonly askedMs: number;
}

/** What the agent looks at in a lock file. */
interface OwnLock {
  readonly time: string;
  readonly extra?: Readonly<Record<string, string>>;
}

export interface RepositorySource {
  /** @throws RepositoryError, ConfigError, KubeError, RepositoryNotReady */
  open(address: RepositoryAddress, signal: AbortSignal): Promise<Repository>;
}

export interface ClusterRepositoriesOptions {
  readonly access: Pick<RepositoryAccess, "open">;
  readonly client: Pick<TypedClient, "get" | "list" | "create">;
  readonly namespace: string;
  readonly nodeName: string;
  /** This process, as it stands in its locks. */
  readonly processId: string;
  readonly resourceTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ClusterRepositories implements RepositorySource {
  readonly #options: ClusterRepositoriesOptions;
  readonly #startedMs: number;
  /** Repository ids whose left-over locks were looked for. */
  readonly #cleaned = new Set<string>();
  /** Those of a moment ago, by address. */
  #opened = new Map<string, OpenedRepository>();

  constructor(options: ClusterRepositoriesOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  async open(address: RepositoryAddress, signal: AbortSignal): Promise<Repository> {
    const { clock } = this.#options;
    const { volumeNamespace, storageLocation, repoIdentifier } = address;
    const key = [volumeNamespace, storageLocation, repoIdentifier].join("\n");
    const askedMs = clock.monotonicMs();
    const known = this.#opened.get(key);
    if (known !== undefined && askedMs - known.askedMs < believedMs) return known.repository;
    const repository = await this.#openOrWait(address, signal);
    await this.#removeOwnLocks(repository, signal);
    const recent = [...this.#opened].filter(([, opened]) => askedMs - opened.askedMs < believedMs);
    this.#opened = new Map(recent).set(key, { repository, askedMs });
    return repository;
  }

  async #openOrWait(address: RepositoryAddress, signal: AbortSignal): Promise<Repository> {
    const { client, namespace, access, resourceTimeoutMs, clock } = this.#options;
    const { volumeNamespace, storageLocation, repoIdentifier } = address;
    const location = await client.get(backupStorageLocations, { namespace, name: storageLocation }, { signal });
    const target = { location, volumeNamespace, identifier: repoIdentifier };
    try {
      return await access.open(target, signal);
    } catch (error) {
      if (!address.mayBeNew || !RepositoryError.is(error, "repository-missing")) throw error;
    }
    const wait = { client, namespace, volumeNamespace, storageLocation, timeoutMs: resourceTimeoutMs, clock, signal };
    await ensureBackupRepository(wait);
    return await access.open(target, signal);
  }

  async #removeOwnLocks(repository: Repository, signal: AbortSignal): Promise<void> {
    if (this.#cleaned.has(repository.id)) return;
    const { nodeName, processId, log } = this.#options;
    try {
      // Lock files carry the store's time. What was locked since this process began is not left over: a second agent of
      // this node may be there for a while.
      const startedNs = BigInt(Math.round(this.#startedMs + (repository.storage.clockOffsetMs ?? 0))) * 1_000_000n;
      const isLeftOver = ({ extra, time }: OwnLock) =>
        extra?.node === nodeName && extra.pod !== processId && parseTime(time).unixNs < startedNs;
      const count = await removeStaleLocks(repository, { also: isLeftOver, signal });
      if (count > 0) log.info("removed locks that were left behind", { repository: repository.id, count });
      this.#cleaned.add(repository.id);
    } catch (error) {
      signal.throwIfAborted();
      // A left-over shared lock does not hinder a backup; whoever needs an exclusive one waits until it is stale.
      log.warn("left-over locks could not be removed", { repository: repository.id, ...errorFacts(error) });
    }
  }
}
