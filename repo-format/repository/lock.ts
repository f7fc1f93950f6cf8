// Locks as restic takes them (restic design, *Locks*): shared for readers and writers, exclusive for whoever deletes. Work
// runs inside `withLock`; all shared ones of an open repository use one lock file. A process that takes locks must outlive
// SIGHUP: `restic unlock` sends it to find out whether a lock's owner is alive.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { LockId } from "../format/id.ts";
import type { LockFile } from "../format/lock-file.ts";
import { HeldLock } from "./held-lock.ts";
import { acquireLock, type LockTimings, resticTimings, type Sleep, timerSleep } from "./lock-acquire.ts";
import { isStale, listLocks, storeTimeMs } from "./lock-files.ts";
import { LockedView } from "./locked-view.ts";
import type { Repository } from "./repository.ts";

/** How a lock is taken. */
export interface LockOptions {
  readonly exclusive: boolean;
  /** How long to wait while another process holds the repository; 0 tries once. Default 15 min. */
  readonly retryLockMs?: number | undefined;
  /** Called before each pause of waiting, with who holds the lock and how long that took so far. */
  readonly onWait?: ((holder: string, waitedMs: number) => void) | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
  /**
   * Called when the lock file is stored, while nobody knows yet whether it will stand; not where that is known at once. It may
   * read what will be wanted, so that the store is not waited for twice, but nothing may rely on it: whatever another program
   * may change has to be asked for again under the lock. Its signal fires when the lock is not got.
   */
  readonly whileSettling?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For tests. */
  readonly timings?: Partial<LockTimings> | undefined;
  readonly sleep?: Sleep | undefined;
}

/** The shared lock of a repository: being taken, or held by `users`. */
interface SharedLock {
  readonly taking: Promise<HeldLock>;
  users: number;
  /** Resolves when the last user has left. */
  readonly ended: PromiseWithResolvers<void>;
  readonly onWaits: Set<NonNullable<LockOptions["onWait"]>>;
  /** What was seen under it. */
  readonly view: LockedView;
}

const sharedLocks = new WeakMap<Repository, SharedLock>();

/**
 * Takes a lock, runs `fn`, and gives the lock back, whatever happens (for at most a minute).
 * @param fn gets a signal that fires when the caller's does, or when the lock is lost; writes fail by then.
 * @throws RepositoryError "lock-held" when another process keeps the repository for longer than `retryLockMs`;
 *   "lock-lost"; "lock-malformed"; "cancelled"; whatever `fn` throws
 */
export async function withLock<T>(
  repo: Repository,
  options: LockOptions,
  fn: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  throwIfCancelled(options.signal);
  const { held, release } = options.exclusive ? await takeOwn(repo, options) : await joinShared(repo, options);
  const signals = options.signal === undefined ? [held.lostSignal] : [held.lostSignal, options.signal];
  try {
    return await fn(AbortSignal.any(signals));
  } catch (error) {
    // The work ended because the lock was lost, whatever it made of that.
    throw held.isLost && RepositoryError.is(error, "cancelled") ? held.lostSignal.reason : error;
  } finally {
    await release();
  }
}

/**
 * What was seen of the repository under the shared lock that this process has, for the backups that follow each other under
 * it: see `ArchiveOptions.view`. Ask inside `withLock`, each time.
 * @returns undefined without a shared lock.
 */
export function viewUnderLock(repo: Repository): LockedView | undefined {
  return sharedLocks.get(repo)?.view;
}

/** Which locks `removeStaleLocks` removes besides those whose owners are gone. */
export interface RemoveLocksOptions {
  /** Every lock, readable or not, also of processes that run. */
  readonly all?: boolean | undefined;
  /** Further locks to remove, e.g. those that an earlier agent of this node has left. */
  readonly also?: ((lock: LockFile) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Removes locks whose owners are gone (30 min old, or a dead process of this host). @returns how many */
export async function removeStaleLocks(repo: Repository, options: RemoveLocksOptions = {}): Promise<number> {
  const { all = false, also, signal } = options;
  const doomed: LockId[] = [];
  if (all) {
    for await (const { id } of repo.list("lock", signal)) doomed.push(id as LockId);
  } else {
    const { locks } = await listLocks(repo, signal);
    const { identity } = repo.options;
    const nowMs = storeTimeMs(repo);
    for (const { id, lock } of locks) if (isStale(lock, identity, nowMs) || also?.(lock) === true) doomed.push(id);
  }
  for (const id of doomed) await repo.remove("lock", id, signal);
  return doomed.length;
}

interface TakenLock {
  readonly held: HeldLock;
  readonly release: () => Promise<void>;
}

async function takeOwn(repo: Repository, options: LockOptions): Promise<TakenLock> {
  const held = await take(repo, options, options.onWait);
  return { held, release: () => held.release() };
}

async function take(repo: Repository, options: LockOptions, onWait: LockOptions["onWait"]): Promise<HeldLock> {
  const timings = { ...resticTimings, ...options.timings };
  const sleep = options.sleep ?? timerSleep(true);
  const { exclusive, retryLockMs, signal, onWarning, whileSettling } = options;
  const acquiring = { exclusive, retryLockMs, signal, onWait, whileSettling, timings, sleep };
  const acquired = await acquireLock(repo, acquiring);
  return new HeldLock(repo, { ...acquired, exclusive, timings, sleep: options.sleep ?? timerSleep(false), onWarning });
}

/** Uses the lock that is held or being taken; when taking it fails for the one who began, the next one begins anew. */
async function joinShared(repo: Repository, options: LockOptions): Promise<TakenLock> {
  for (;;) {
    const current = sharedLocks.get(repo);
    if (current === undefined) return takeShared(repo, options);
    const held = await outcome(current, options);
    throwIfCancelled(options.signal);
    // Writes fail until everybody who relied on the lost lock has noticed.
    if (held?.isLost) await untilAborted(current.ended.promise, options.signal);
    if (held !== undefined && !held.isLost && sharedLocks.get(repo) === current) {
      current.users++;
      return { held, release: () => leaveShared(repo, current, held) };
    }
    if (sharedLocks.get(repo) === current) sharedLocks.delete(repo);
  }
}

async function takeShared(repo: Repository, options: LockOptions): Promise<TakenLock> {
  const onWaits = new Set<NonNullable<LockOptions["onWait"]>>();
  if (options.onWait !== undefined) onWaits.add(options.onWait);
  const onWait: LockOptions["onWait"] = (holder, waitedMs) => {
    for (const call of onWaits) call(holder, waitedMs);
  };
  const ended = Promise.withResolvers<void>();
  const view = new LockedView(repo);
  const shared: SharedLock = { taking: take(repo, options, onWait), users: 1, ended, onWaits, view };
  sharedLocks.set(repo, shared);
  try {
    const held = await shared.taking;
    return { held, release: () => leaveShared(repo, shared, held) };
  } catch (error) {
    if (sharedLocks.get(repo) === shared) sharedLocks.delete(repo);
    ended.resolve();
    throw error;
  }
}

/** The lock that another caller is taking; undefined when that failed or we were cancelled. */
async function outcome(shared: SharedLock, { onWait, signal }: LockOptions): Promise<HeldLock | undefined> {
  if (onWait !== undefined) shared.onWaits.add(onWait);
  try {
    return await untilAborted(
      shared.taking.catch(() => undefined),
      signal,
    );
  } finally {
    if (onWait !== undefined) shared.onWaits.delete(onWait);
  }
}

/** What the work resolves to; undefined as soon as the signal fires. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function leaveShared(repo: Repository, shared: SharedLock, held: HeldLock): Promise<void> {
  shared.users--;
  if (shared.users > 0) return;
  if (sharedLocks.get(repo) === shared) sharedLocks.delete(repo);
  await held.release();
  shared.ended.resolve();
}
