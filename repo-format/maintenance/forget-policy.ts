// Which snapshots of one group a retention policy keeps, and why: a pure function with restic's exact rules, so that the
// same options decide the same in both programs (restic documentation, "Removing snapshots according to a policy").

import type { Snapshot } from "../format/snapshot-file.ts";
import { parseTime } from "../format/time.ts";
import { hasTags } from "../repository/find-snapshots.ts";
import {
  dateFromDays,
  daysFromDate,
  floorDivide,
  formatKeepDuration,
  isNoDuration,
  type KeepDuration,
  noDuration,
  subtractDuration,
} from "./keep-duration.ts";

/** Counts: how many to keep; 0 = rule not used, -1 = no limit. Durations are relative to the newest snapshot. */
export interface KeepPolicy {
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly within: KeepDuration;
  readonly withinHourly: KeepDuration;
  readonly withinDaily: KeepDuration;
  readonly withinWeekly: KeepDuration;
  readonly withinMonthly: KeepDuration;
  readonly withinYearly: KeepDuration;
  /** A snapshot that has all tags of one of these lists is kept. */
  readonly tags: readonly (readonly string[])[];
}

/** No rule at all: for when snapshots are named by their ids. */
export const emptyPolicy: KeepPolicy = {
  last: 0,
  hourly: 0,
  daily: 0,
  weekly: 0,
  monthly: 0,
  yearly: 0,
  within: noDuration,
  withinHourly: noDuration,
  withinDaily: noDuration,
  withinWeekly: noDuration,
  withinMonthly: noDuration,
  withinYearly: noDuration,
  tags: [],
};

/** What is left of each count after a snapshot was judged. */
export interface KeepCounters {
  readonly last: number;
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

export interface KeepReason<T> {
  readonly snapshot: T;
  /** For example "daily snapshot", "oldest monthly snapshot", "within 7d", "has tags [a, b]". */
  readonly matches: readonly string[];
  readonly counters: KeepCounters;
}

export interface PolicyDecision<T> {
  /** Newest first, as are `remove` and `reasons`; `reasons[i]` belongs to `keep[i]`. */
  readonly keep: readonly T[];
  readonly remove: readonly T[];
  readonly reasons: readonly KeepReason<T>[];
}

const countRules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
type CountRule = (typeof countRules)[number];

const withinRules = [
  ["withinHourly", "hourly"],
  ["withinDaily", "daily"],
  ["withinWeekly", "weekly"],
  ["withinMonthly", "monthly"],
  ["withinYearly", "yearly"],
] as const;

/** True when no rule is set: such a policy keeps nothing. */
export function isEmptyPolicy(policy: KeepPolicy): boolean {
  return (
    policy.tags.length === 0 &&
    countRules.every((rule) => policy[rule] === 0) &&
    isNoDuration(policy.within) &&
    withinRules.every(([option]) => isNoDuration(policy[option]))
  );
}

interface Dated<T> {
  readonly item: T;
  readonly tags: readonly string[];
  readonly unixNs: bigint;
  readonly offsetMinutes: number;
  /** Bucket number per rule: equal numbers mean the same hour, day, week … in the zone stored in the snapshot. */
  readonly buckets: Readonly<Record<CountRule, number>>;
}

function bucketsOf(unixNs: bigint, offsetMinutes: number, position: number): Record<CountRule, number> {
  const hours = floorDivide(unixNs + BigInt(offsetMinutes) * 60_000_000_000n, 3_600_000_000_000n);
  const days = floorDivide(hours, 24n);
  const date = dateFromDays(days);
  const yearly = Number(date.year);
  const monthly = yearly * 100 + Number(date.month);
  const daily = monthly * 100 + Number(date.day);
  // ISO 8601: a week belongs to the year of its Thursday. Day 0 (1970-01-01) was a Thursday.
  const thursday = floorDivide(days + 3n, 7n) * 7n;
  const isoYear = dateFromDays(thursday).year;
  const week = (thursday - daysFromDate(isoYear, 1n, 1n)) / 7n + 1n;
  return {
    last: position,
    hourly: daily * 100 + Number(hours - days * 24n),
    daily,
    weekly: Number(isoYear * 100n + week),
    monthly,
    yearly,
  };
}

function newestFirst<T>(items: readonly T[], snapshotOf: (item: T) => Pick<Snapshot, "time" | "tags">): Dated<T>[] {
  const timed = items.map((item) => {
    const snapshot = snapshotOf(item);
    return { item, tags: snapshot.tags, ...parseTime(snapshot.time) };
  });
  timed.sort((a, b) => (a.unixNs > b.unixNs ? -1 : a.unixNs < b.unixNs ? 1 : 0));
  return timed.map((entry, position) => ({
    ...entry,
    buckets: bucketsOf(entry.unixNs, entry.offsetMinutes, position),
  }));
}

const goZeroTimeNs = -62_135_596_800n * 1_000_000_000n;

/** The newest snapshot that is not in the future; durations count back from it. */
function referenceTime<T>(list: readonly Dated<T>[], nowNs: bigint): { unixNs: bigint; offsetMinutes: number } {
  return (
    list.find((entry) => entry.unixNs < nowNs && entry.unixNs > goZeroTimeNs) ?? {
      unixNs: goZeroTimeNs,
      offsetMinutes: 0,
    }
  );
}

/** One counting or time-limited rule with its state while the list is walked. */
class BucketRule {
  private readonly bucket: CountRule;
  private readonly reason: string;
  private readonly suffix: string;
  private readonly afterNs: bigint | undefined;
  private lastBucket = -1;
  remaining: number;

  constructor(bucket: CountRule, options: { reason: string; suffix: string; count: number; afterNs?: bigint }) {
    this.bucket = bucket;
    this.reason = options.reason;
    this.suffix = options.suffix;
    this.remaining = options.count;
    this.afterNs = options.afterNs;
  }

  /** The reason why this rule keeps the entry, or undefined. The oldest entry fills a rule that has room left. */
  judge(entry: Dated<unknown>, isOldest: boolean): string | undefined {
    if (this.remaining === 0) return undefined;
    if (this.afterNs !== undefined && entry.unixNs <= this.afterNs) return undefined;
    const value = entry.buckets[this.bucket];
    const repeats = value === this.lastBucket;
    if (repeats && !isOldest) return undefined;
    this.lastBucket = value;
    if (this.remaining > 0) this.remaining--;
    return `${repeats ? "oldest " : ""}${this.reason}${this.suffix}`;
  }
}

function withinRulesOf(policy: KeepPolicy, limit: (duration: KeepDuration) => bigint): BucketRule[] {
  return withinRules
    .filter(([option]) => !isNoDuration(policy[option]))
    .map(([option, bucket]) => {
      const suffix = ` ${formatKeepDuration(policy[option])}`;
      return new BucketRule(bucket, {
        reason: `${bucket} within`,
        suffix,
        count: -1,
        afterNs: limit(policy[option]),
      });
    });
}

/**
 * Applies a policy to the snapshots of one group.
 * @param items in any order; equal times keep their order.
 * @param snapshotOf gives time and tags of an item.
 * @param nowMs milliseconds since the epoch; snapshots from the future are not the reference of durations.
 */
export function applyKeepPolicy<T>(
  items: readonly T[],
  policy: KeepPolicy,
  snapshotOf: (item: T) => Pick<Snapshot, "time" | "tags">,
  nowMs: number,
): PolicyDecision<T> {
  const list = newestFirst(items, snapshotOf);
  const reference = referenceTime(list, BigInt(Math.floor(nowMs)) * 1_000_000n);
  const limit = (duration: KeepDuration): bigint =>
    subtractDuration(reference.unixNs, reference.offsetMinutes, duration);
  const counts = countRules.map(
    (rule) => new BucketRule(rule, { reason: `${rule} snapshot`, suffix: "", count: policy[rule] }),
  );
  const rules = [...counts, ...withinRulesOf(policy, limit)];
  const withinNs = isNoDuration(policy.within) ? undefined : limit(policy.within);

  const decision = { keep: [] as T[], remove: [] as T[], reasons: [] as KeepReason<T>[] };
  list.forEach((entry, position) => {
    const matches = policy.tags.filter((tags) => hasTags(entry.tags, tags)).map((t) => `has tags [${t.join(", ")}]`);
    if (withinNs !== undefined && entry.unixNs > withinNs) matches.push(`within ${formatKeepDuration(policy.within)}`);
    for (const rule of rules) {
      const reason = rule.judge(entry, position === list.length - 1);
      if (reason !== undefined) matches.push(reason);
    }
    if (matches.length === 0) {
      decision.remove.push(entry.item);
      return;
    }
    decision.keep.push(entry.item);
    decision.reasons.push({ snapshot: entry.item, matches, counters: countersOf(counts) });
  });
  return decision;
}

function countersOf(counts: readonly BucketRule[]): KeepCounters {
  const at = (index: number): number => counts[index]?.remaining ?? 0;
  return { last: at(0), hourly: at(1), daily: at(2), weekly: at(3), monthly: at(4), yearly: at(5) };
}

/** The policy in words, as restic prints it: "keep 7 daily, 4 weekly snapshots and all snapshots with tags …". */
export function describePolicy(policy: KeepPolicy): string {
  const counted = countRules
    .filter((rule) => policy[rule] !== 0)
    .map((rule) => `${policy[rule] === -1 ? "all" : policy[rule]} ${rule === "last" ? "latest" : rule}`);
  const limited = withinRules
    .filter(([option]) => !isNoDuration(policy[option]))
    .map(([option, bucket]) => `${bucket} snapshots within ${formatKeepDuration(policy[option])}`);
  const lists = [...(counted.length === 0 ? [] : [`${counted.join(", ")} snapshots`]), ...limited].join(", ");
  const parts = lists === "" ? [] : [lists];
  if (policy.tags.length > 0) {
    parts.push(`all snapshots with tags [${policy.tags.map((tags) => `[${tags.join(", ")}]`).join(" ")}]`);
  }
  if (!isNoDuration(policy.within)) {
    parts.push(`all snapshots within ${formatKeepDuration(policy.within)} of the newest`);
  }
  return parts.length === 0 ? "remove" : `keep ${parts.join(" and ")}`;
}
