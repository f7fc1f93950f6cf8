// Taking a lock as restic does: look, create, wait a moment, look again. Of two that exclude each other at least the later
// creator sees the earlier one, so both may fail but never both win. The wait is for stores whose listings come late; in a
// directory, where they do not, it would be most of what a small backup takes. Stale locks of others are respected here.
import { setTimeout as delay } from "node:timers/promises";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { LockId } from "../format/id.ts";
import { createLock, describeLock, excludes, isStale, listLocks, storeTimeMs } from "./lock-files.ts";
import type { Repository } from "./repository.ts";

/** Every span of the lock rules, in ms; tests shorten them. */
export interface LockTimings {
  /** Between creating a lock and the second look. */
  readonly settleMs: number;
  /** Between two refreshes. */
  readonly refreshMs: number;
  /** Without a refresh for this long writes stop: others may take the lock for stale in 30 minutes. */
  readonly expiryMs: number;
  /** How often the clock is looked at. */
  readonly pollMs: number;
  /** How long getting a lock back that ran out of time may take. */
  readonly recoverMs: number;
  /** How long deleting the lock may take, also after a cancel. */
  readonly releaseMs: number;
  /** Pauses before reading locks again of which one cannot be read. */
  readonly unreadablePausesMs: readonly number[];
  /** First pause while another process holds the repository; doubles up to the second number. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
}

const minuteMs = 60_000;

/** restic's figures (internal/repository/lock.go); 22.5 min = 30 min − 1.5 refreshes. */
export const resticTimings: LockTimings = {
  settleMs: 200,
  refreshMs: 5 * minuteMs,
  expiryMs: 22.5 * minuteMs,
  pollMs: 1000,
  recoverMs: 5 * minuteMs,
  releaseMs: minuteMs,
  unreadablePausesMs: [5000, 10_000, 20_000],
  firstWaitMs: 5000,
  longestWaitMs: minuteMs,
};

const defaultRetryLockMs: number = 15 * minuteMs;

export interface AcquireOptions {
  readonly exclusive: boolean;
  /** How long to go on trying while another process holds the repository; 0 tries once. Default 15 min. */
  readonly retryLockMs?: number | undefined;
  /** Called before each pause, with the holder's description. */
  readonly onWait?: ((holder: string, waitedMs: number) => void) | undefined;
  /** See LockOptions. */
  readonly whileSettling?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timings: LockTimings;
  readonly sleep: Sleep;
}

/** Resolves after so many ms; rejects when the signal fires. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** @param keepsAlive false: a process that has nothing else to do may end. */
export function timerSleep(keepsAlive: boolean): Sleep {
  return async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal, ref: keepsAlive });
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    }
  };
}

export interface AcquiredLock {
  readonly id: LockId;
  /** By our clock, before the lock file was written. */
  readonly createdMs: number;
}

/** @throws RepositoryError "lock-held" naming the holder, "lock-malformed", "cancelled" */
export async function acquireLock(repo: Repository, options: AcquireOptions): Promise<AcquiredLock> {
  const { signal, timings, sleep, retryLockMs = defaultRetryLockMs } = options;
  const { clock } = repo.options;
  const startedMs = clock();
  let pauseMs = timings.firstWaitMs;
  for (;;) {
    try {
      return await tryToAcquire(repo, options);
    } catch (error) {
      const waitedMs = clock() - startedMs;
      if (!RepositoryError.is(error, "lock-held") || waitedMs >= retryLockMs) throw error;
      options.onWait?.(String(error.details.holder), waitedMs);
      await sleep(Math.min(pauseMs, retryLockMs - waitedMs), signal);
      pauseMs = Math.min(pauseMs * 2, timings.longestWaitMs);
    }
  }
}

async function tryToAcquire(repo: Repository, options: AcquireOptions): Promise<AcquiredLock> {
  const { exclusive, signal, timings, sleep } = options;
  // The first look is for the sake of others, whom a lock that cannot stay would disturb; the second one decides.
  if (!(await repo.wasFree())) await checkForConflicts(repo, options, undefined);
  const createdMs = repo.options.clock();
  const id = await createLock(repo, exclusive, signal);
  const failed = new AbortController();
  try {
    if (!repo.storage.listsAtOnce) {
      startReading(options, failed.signal);
      await sleep(timings.settleMs, signal);
    }
    await checkForConflicts(repo, options, id);
    return { id, createdMs };
  } catch (error) {
    failed.abort();
    // Not by the caller's signal: a cancelled caller must not leave its lock behind.
    await repo.remove("lock", id, AbortSignal.timeout(timings.releaseMs)).catch(() => undefined);
    throw error;
  }
}

/** Nobody waits for what is read ahead, and nobody hears of it when it fails: it is read again under the lock. */
function startReading({ whileSettling, signal }: AcquireOptions, failed: AbortSignal): void {
  const either = signal === undefined ? failed : AbortSignal.any([signal, failed]);
  whileSettling?.(either).catch(() => undefined);
}

/** Stale locks are never taken over: only people, or the node that left them, know that nothing of the owner runs on. */
const leftBehindNote = "; its owner is gone, so it will stay until `stowage repo unlock` removes it";

/** A lock that cannot be read may be one that is being written: read again a few times before giving up. */
async function checkForConflicts(repo: Repository, options: AcquireOptions, own: LockId | undefined): Promise<void> {
  const { timings, sleep, signal } = options;
  for (const pauseMs of [...timings.unreadablePausesMs, undefined]) {
    const { locks, unreadable } = await listLocks(repo, signal);
    const conflict = locks.find(({ id, lock }) => id !== own && excludes(options, lock));
    if (conflict !== undefined) {
      const nowMs = storeTimeMs(repo);
      const isLeftBehind = isStale(conflict.lock, repo.options.identity, nowMs);
      const holder = describeLock(conflict.lock, nowMs) + (isLeftBehind ? leftBehindNote : "");
      const details = { lock: conflict.id, holder, exclusive: conflict.lock.exclusive, isLeftBehind };
      throw new RepositoryError("lock-held", `the repository at ${repo.storage.location} is ${holder}`, { details });
    }
    const bad = unreadable.find(({ id }) => id !== own);
    if (bad === undefined) return;
    if (pauseMs === undefined) {
      const message = `the lock ${bad.id} cannot be read: ${bad.error.message}`;
      throw new RepositoryError("lock-malformed", message, { details: { lock: bad.id }, cause: bad.error });
    }
    await sleep(pauseMs, signal);
  }
}
