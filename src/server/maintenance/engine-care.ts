// What the server does to repositories, over the engine: makes them, drops stale locks, prunes, verifies, forgets.
import {
  listLocks,
  parseTime,
  RepositoryError,
  recordOrigin,
  removeStaleLocks,
  type TwoPhasePruneResult,
  twoPhasePrune,
} from "../../../repo-format/index.ts";
import type { RepositoryAccess } from "../../repository-access/repository-access.ts";
import { repositoryIdentifier } from "../../repository-access/repository-identifier.ts";
import type { PruneFacts, RepositoryCare } from "../backup-repository/repository-care.ts";
import { forgetSnapshots } from "./forget-snapshots.ts";
import { verifyRepository } from "./verify-repository.ts";

export interface EngineCareOptions {
  readonly access: RepositoryAccess;
  /** As in the locks that this process takes. */
  readonly lockOwner: LockOwner;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Tells the locks of one installation's servers from all others, and this server from those before it. */
export interface LockOwner {
  readonly [key: string]: string;
  readonly server: string;
  readonly process: string;
}

/** How long a prune waits for running backups; it is tried again later. */
const pruneLockWaitMs = 300_000;
/** A lock that is held is refreshed every five minutes. */
const abandonedAfterMs = 600_000;

/** The engine behind the BackupRepository controller. */
export function engineCare({ access, lockOwner, clock }: EngineCareOptions): RepositoryCare {
  return {
    identifierOf: repositoryIdentifier,
    connect: async (location, volumeNamespace, signal) => {
      const target = { location, volumeNamespace };
      // What is open in memory proves nothing about the store: look again.
      access.forget(target);
      if (location.spec.accessMode === "ReadOnly") await access.open(target, signal);
      else await recordOrigin(await access.openOrInit(target, signal), signal);
    },
    removeStaleLocks: async (location, volumeNamespace, signal) => {
      const repository = await access.open({ location, volumeNamespace }, signal);
      // A server that was killed while it pruned would else keep everybody out for half an hour.
      const also = (lock: LockFacts): boolean => isAbandoned(lock, lockOwner, clock());
      return await removeStaleLocks(repository, { also, signal });
    },
    listLocks: async (location, volumeNamespace, signal) => {
      const { locks } = await listLocks(await access.open({ location, volumeNamespace }, signal), signal);
      return locks.map(({ lock }) => ({
        exclusive: lock.exclusive,
        owner: `${lock.hostname} ${lock.pid} ${lock.exclusive}`,
        refreshedMs: Number(parseTime(lock.time).unixNs / 1_000_000n),
      }));
    },
    prune: async (location, volumeNamespace, signal) => {
      const repository = await access.open({ location, volumeNamespace }, signal);
      // Agents go on meanwhile, unless the repository shows traces of other programs.
      return factsOf(await twoPhasePrune(repository, { retryLockMs: pruneLockWaitMs, signal }));
    },
    verify: async (location, volumeNamespace, slice, signal) => {
      const target = { location, volumeNamespace };
      // What is in memory would hide what has become of it in the store. Nobody needs this index afterwards.
      access.forget(target);
      const repository = await access.open(target, signal);
      try {
        return await verifyRepository(repository, slice, signal);
      } finally {
        access.forget(target);
      }
    },
    forget: async (location, volumeNamespace, snapshots, signal) => {
      try {
        const repository = await access.open({ location, volumeNamespace }, signal);
        return await forgetSnapshots(repository, snapshots, signal);
      } catch (error) {
        // Somebody has removed it with all that was in it.
        if (RepositoryError.is(error, "repository-missing")) return [];
        throw error;
      }
    },
  };
}

/** An exclusive prune has deleted what it planned; one in two phases has marked it. */
export function factsOf({ foreignTrace, prune, deletion, pending }: TwoPhasePruneResult): PruneFacts {
  const markedPacks = pending.reduce((sum, { packs }) => sum + packs, 0);
  if (foreignTrace === undefined) return { markedPacks, deletedPacks: deletion?.deletedPacks ?? 0 };
  const { remove, repack, removeFirst } = prune?.plan ?? { remove: [], repack: [], removeFirst: [] };
  const deletedPacks = remove.length + repack.length + removeFirst.length;
  return { exclusiveBecause: foreignTrace, markedPacks, deletedPacks };
}

interface LockFacts {
  readonly time: string;
  readonly extra?: Readonly<Record<string, string>>;
}

/** An earlier server of this installation took it and has not refreshed it for a while. */
export function isAbandoned({ time, extra }: LockFacts, owner: LockOwner, nowMs: number): boolean {
  if (extra?.server !== owner.server || extra.process === owner.process) return false;
  return nowMs - Number(parseTime(time).unixNs / 1_000_000n) > abandonedAfterMs;
}
