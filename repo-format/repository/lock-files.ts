// The lock files of a repository: who holds it, what excludes what, and when a lock counts as left behind
// (restic design, *Locks*).
import { RepositoryError } from "../errors.ts";
import type { LockId } from "../format/id.ts";
import { decodeLockFile, encodeLockFile, type LockFile } from "../format/lock-file.ts";
import { formatTime, parseTime } from "../format/time.ts";
import { boundedParallel } from "./bounded-parallel.ts";
import { ourProgram } from "./our-program.ts";
import type { Repository } from "./repository.ts";
import type { RepositoryIdentity } from "./repository-options.ts";

/** After so long without a refresh restic takes a lock for abandoned. */
const staleAfterMs: number = 30 * 60_000;

/** Lock requests pass every connection limit, so they need a bound of their own. */
const parallelLoads = 16;

/** A lock and the name of its file. */
export interface StoredLock {
  readonly id: LockId;
  readonly lock: LockFile;
}

/** What lies among a repository's locks. */
export interface ListedLocks {
  readonly locks: readonly StoredLock[];
  /** Files that could not be read, with the reason; those deleted meanwhile are not among them. */
  readonly unreadable: readonly { readonly id: LockId; readonly error: RepositoryError }[];
}

/** Lock files never change, so each is read once, and our own never; forgotten when it is gone. */
const knownLocks = new WeakMap<Repository, Map<LockId, LockFile>>();

/**
 * The locks that stand at the moment, stale ones included. Empty files are not locks: restic skips them, too.
 * @throws RepositoryError when the store does not answer; a file that cannot be read is listed instead.
 */
export async function listLocks(repo: Repository, signal?: AbortSignal): Promise<ListedLocks> {
  const known = knownLocks.get(repo) ?? new Map<LockId, LockFile>();
  const locks: StoredLock[] = [];
  const unreadable: { id: LockId; error: RepositoryError }[] = [];
  const ids: LockId[] = [];
  for await (const { id, sizeBytes } of repo.list("lock", signal)) if (sizeBytes > 0) ids.push(id as LockId);
  const read = async (id: LockId): Promise<void> => {
    try {
      const lock = known.get(id) ?? decodeLockFile(await repo.loadUnpacked("lock", id, signal));
      locks.push({ id, lock });
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) return;
      if (!isDamaged(error)) throw error;
      unreadable.push({ id, error });
    }
  };
  for await (const _ of boundedParallel(ids, { limit: parallelLoads, signal }, read));
  knownLocks.set(repo, new Map(locks.map(({ id, lock }) => [id, lock])));
  return { locks, unreadable };
}

/** Stores a lock of ours with the present time. */
export async function createLock(repo: Repository, exclusive: boolean, signal?: AbortSignal): Promise<LockId> {
  const { extra, ...owner } = repo.options.identity;
  const time = formatTime(BigInt(storeTimeMs(repo)) * 1_000_000n);
  const lock: LockFile = { time, exclusive, ...owner, extra: { program: ourProgram, ...extra } };
  const id = (await repo.saveUnpacked("lock", encodeLockFile(lock), signal)) as LockId;
  knownLocks.set(repo, new Map(knownLocks.get(repo)).set(id, lock));
  return id;
}

/** The store's idea of now: processes with different clocks agree on it, so no live lock looks old. */
export function storeTimeMs(repo: Repository): number {
  return Math.round(repo.options.clock() + (repo.storage.clockOffsetMs ?? 0));
}

/** Any number of shared locks stand together; an exclusive one stands alone. */
export function excludes(wanted: { readonly exclusive: boolean }, held: LockFile): boolean {
  return wanted.exclusive || held.exclusive;
}

/**
 * True when the owner is gone: the lock was not refreshed for 30 minutes, or its process does not exist on this host.
 * @param nowMs by the store's clock.
 */
export function isStale(lock: LockFile, identity: RepositoryIdentity, nowMs: number): boolean {
  if (lockAgeMs(lock, nowMs) > staleAfterMs) return true;
  return lock.hostname === identity.hostname && !isProcessAlive(lock.pid);
}

/** One line for people: kind, owner, age. */
export function describeLock(lock: LockFile, nowMs: number): string {
  const kind = lock.exclusive ? "exclusively " : "";
  const owner = `process ${lock.pid} of ${lock.username || "unknown"} on ${lock.hostname}`;
  const extra = Object.entries(lock.extra ?? {}).map(([key, value]) => `${key} ${value}`);
  const where = extra.length === 0 ? "" : ` (${extra.join(", ")})`;
  const age = Math.max(0, Math.round(lockAgeMs(lock, nowMs) / 1000));
  return `locked ${kind}by ${owner}${where}, refreshed ${age} s ago`;
}

function lockAgeMs(lock: LockFile, nowMs: number): number {
  return nowMs - Number(parseTime(lock.time).unixNs / 1_000_000n);
}

/** Signal 0 asks without disturbing; restic sends SIGHUP (see lock.ts). */
function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function isDamaged(error: unknown): error is RepositoryError {
  return RepositoryError.is(error, "file-damaged") || RepositoryError.is(error, "lock-malformed");
}
