// Removes snapshots: those that a retention policy does not keep, or those named by id. Data stays until a prune.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { SnapshotId } from "../format/id.ts";
import { parseTime } from "../format/time.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import { type FoundSnapshot, findSnapshots, isEmptyFilter, type SnapshotFilter } from "../repository/find-snapshots.ts";
import { describeGroup, type GroupBy, groupSnapshots, type SnapshotGroupKey } from "../repository/group-snapshots.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, refuseWithoutLock, underExclusiveLock } from "./exclusive-lock.ts";
import { applyKeepPolicy, isEmptyPolicy, type KeepPolicy, type KeepReason } from "./forget-policy.ts";
import { type PruneOptions, type PruneResult, pruneLocked } from "./prune.ts";

/** Which snapshots are to be removed: by ids, or by a policy for each group. */
export interface ForgetOptions extends SnapshotFilter, ExclusiveLockOptions {
  /** Ids, unique prefixes or "latest": exactly these are removed, whatever the policy says. */
  readonly ids?: readonly string[] | undefined;
  readonly policy: KeepPolicy;
  readonly groupBy: GroupBy;
  /** Allows an empty policy, which removes everything that the filter (then mandatory) lets through. */
  readonly unsafeAllowRemoveAll?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Prune under the same lock, if something was removed. */
  readonly prune?: PruneOptions | undefined;
  /** An id or a snapshot file that cannot be used, and is left alone. */
  readonly onIgnored?: ((what: string, error: unknown) => void) | undefined;
  /** After each removal, or failure of one. */
  readonly onRemoved?: ((id: SnapshotId, error: unknown) => void) | undefined;
}

/** What a policy decided for the snapshots of one group. */
export interface ForgetGroup {
  readonly key: SnapshotGroupKey;
  /** Newest first, as the others. */
  readonly keep: readonly FoundSnapshot[];
  readonly remove: readonly FoundSnapshot[];
  readonly reasons: readonly KeepReason<FoundSnapshot>[];
}

export interface ForgetPlan {
  /** Empty when ids were given. */
  readonly groups: readonly ForgetGroup[];
  readonly remove: readonly FoundSnapshot[];
}

/** What was decided and what was removed. */
export interface ForgetResult extends ForgetPlan {
  /** Could not be removed; they are still there. */
  readonly failed: readonly { readonly id: SnapshotId; readonly error: unknown }[];
  readonly prune: PruneResult | undefined;
}

/**
 * Applies the policy to each group and removes what it does not keep, under an exclusive lock.
 * @throws RepositoryError "argument-invalid" without a policy, "removal-refused" when a group would lose all snapshots,
 *   "lock-held", and what loading throws. Removals that fail are no error but are listed in the result.
 */
export async function forget(repo: Repository, options: ForgetOptions): Promise<ForgetResult> {
  if (options.ids === undefined || options.ids.length === 0) refuseUnsafePolicy(options);
  refuseWithoutLock(options);
  return await underExclusiveLock(repo, options, (locked) => forgetLocked(repo, locked));
}

async function forgetLocked(repo: Repository, options: ForgetOptions): Promise<ForgetResult> {
  const found = await findSnapshots(repo, { ...options, onIgnored: options.onIgnored ?? (() => {}) });
  const plan = planForget(found, options, repo.options.clock());
  const failed = options.dryRun ? [] : await removeSnapshots(repo, plan.remove, options);
  let prune: PruneResult | undefined;
  if (options.prune !== undefined && plan.remove.length > 0 && failed.length === 0) {
    const ignoreSnapshots = new Set(plan.remove.map(({ id }) => id));
    const dryRun = options.dryRun ?? options.prune.dryRun;
    prune = await pruneLocked(repo, { ...options.prune, dryRun, ignoreSnapshots, signal: options.signal });
  }
  return { ...plan, failed, prune };
}

/**
 * Decides what goes; changes nothing.
 * @param nowMs milliseconds since the epoch.
 * @throws RepositoryError "removal-refused" when a policy would leave nothing of a group.
 */
function planForget(
  snapshots: readonly FoundSnapshot[],
  options: Pick<ForgetOptions, "ids" | "policy" | "groupBy">,
  nowMs: number,
): ForgetPlan {
  if (options.ids !== undefined && options.ids.length > 0) return { groups: [], remove: snapshots };
  const groups = groupSnapshots(snapshots, options.groupBy).map(({ key, snapshots: members }) => {
    const decision = applyKeepPolicy(members, options.policy, ({ snapshot }) => snapshot, nowMs);
    const group = { key, ...keepProtected(decision, nowMs) };
    if (group.keep.length === 0 && !isEmptyPolicy(options.policy)) {
      throw new RepositoryError(
        "removal-refused",
        `the policy keeps no snapshot of the group "${describeGroup(key)}"; nothing was removed`,
        { details: { snapshots: members.length } },
      );
    }
    return group;
  });
  return { groups, remove: groups.flatMap((group) => group.remove) };
}

function refuseUnsafePolicy(options: ForgetOptions): void {
  if (!isEmptyPolicy(options.policy)) return;
  if (!options.unsafeAllowRemoveAll) {
    throw new RepositoryError("argument-invalid", "no policy was given, so no snapshot was removed");
  }
  if (isEmptyFilter(options)) {
    throw new RepositoryError("argument-invalid", "removing all snapshots needs a filter by host, tag or path");
  }
}

type Decision = Omit<ForgetGroup, "key">;

/** Snapshots that rustic marked as not to be deleted stay, for a policy at least. */
function keepProtected(decision: Decision, nowMs: number): Decision {
  const isKept = ({ snapshot }: FoundSnapshot): boolean => isProtected(snapshot.unknown.delete, nowMs);
  const kept = decision.remove.filter(isKept);
  if (kept.length === 0) return decision;
  const counters = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const reasons = kept.map((snapshot) => ({ snapshot, matches: ["marked as not to be deleted"], counters }));
  return {
    keep: [...decision.keep, ...kept],
    remove: decision.remove.filter((snapshot) => !isKept(snapshot)),
    reasons: [...decision.reasons, ...reasons],
  };
}

/** rustic's field: "NotSet", "Never" or {"After": time}. */
function isProtected(mark: unknown, nowMs: number): boolean {
  if (mark === "Never") return true;
  const after = typeof mark === "object" && mark !== null ? (mark as { readonly After?: unknown }).After : undefined;
  if (typeof after !== "string") return false;
  try {
    return parseTime(after).unixNs > BigInt(Math.floor(nowMs)) * 1_000_000n;
  } catch (error) {
    // A mark that cannot be understood was still meant to keep the snapshot.
    if (RepositoryError.is(error, "argument-invalid")) return true;
    throw error;
  }
}

async function removeSnapshots(
  repo: Repository,
  snapshots: readonly FoundSnapshot[],
  options: ForgetOptions,
): Promise<{ id: SnapshotId; error: unknown }[]> {
  const failed: { id: SnapshotId; error: unknown }[] = [];
  const remove = async ({ id }: FoundSnapshot): Promise<{ id: SnapshotId; error: unknown }> => {
    try {
      await repo.remove("snapshot", id, options.signal);
      return { id, error: undefined };
    } catch (error) {
      throwIfCancelled(options.signal);
      return { id, error };
    }
  };
  const limits = { limit: repo.storage.connections, signal: options.signal };
  for await (const { id, error } of boundedParallel(snapshots, limits, remove)) {
    if (error !== undefined) failed.push({ id, error });
    options.onRemoved?.(id, error);
  }
  return failed;
}
