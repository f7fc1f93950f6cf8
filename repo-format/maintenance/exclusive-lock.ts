// Maintenance deletes, so each of its functions takes restic's exclusive lock by itself: no caller can forget it.

import { RepositoryError } from "../errors.ts";
import { type LockOptions, withLock } from "../repository/lock.ts";
import type { Repository } from "../repository/repository.ts";

/** How a function of this folder waits for its lock. */
export interface ExclusiveLockOptions {
  /** false: take none; for checks and dry runs of a repository that cannot be written. */
  readonly lock?: boolean | undefined;
  /** How long to wait while others hold locks, in ms; 0 tries once. */
  readonly retryLockMs?: number | undefined;
  /** Called before each pause of waiting. */
  readonly onLockWait?: LockOptions["onWait"];
  readonly signal?: AbortSignal | undefined;
  /** For tests. */
  readonly lockTimings?: LockOptions["timings"];
}

/** @throws RepositoryError "argument-invalid" when something would be deleted without a lock. */
export function refuseWithoutLock(options: ExclusiveLockOptions & { readonly dryRun?: boolean | undefined }): void {
  if (options.lock !== false || options.dryRun) return;
  throw new RepositoryError("argument-invalid", "only a dry run can do without a lock");
}

/** Runs `fn` under the lock, with the options' signal replaced by one that also fires when the lock is lost. */
export async function underExclusiveLock<O extends ExclusiveLockOptions, T>(
  repo: Repository,
  options: O,
  fn: (options: O) => Promise<T>,
): Promise<T> {
  return await underLock(repo, { ...options, exclusive: true }, (signal) => fn({ ...options, signal }));
}

/** The same beside other users of the repository: what runs under it may add, and delete nothing. */
export async function underSharedLock<O extends ExclusiveLockOptions, T>(
  repo: Repository,
  options: O,
  fn: (options: O) => Promise<T>,
): Promise<T> {
  return await underLock(repo, { ...options, exclusive: false }, (signal) => fn({ ...options, signal }));
}

async function underLock<T>(
  repo: Repository,
  options: ExclusiveLockOptions & { readonly exclusive: boolean },
  fn: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { exclusive, retryLockMs, onLockWait, signal, lockTimings } = options;
  if (options.lock === false) return await fn(signal);
  return await withLock(repo, { exclusive, retryLockMs, onWait: onLockWait, signal, timings: lockTimings }, fn);
}
