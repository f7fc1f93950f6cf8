// The retention rules against restic's own golden files: 40 policies over one list of snapshots, what each keeps and why.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { applyKeepPolicy, emptyPolicy, type KeepPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { parseKeepDuration } from "../../repo-format/maintenance/keep-duration.ts";
import { goModuleDir } from "../support/peers.ts";

interface Dated {
  readonly time: string;
  readonly tags?: string[];
  readonly paths?: string[] | null;
}

interface Golden {
  readonly keep: Dated[] | null;
  readonly reasons?: { snapshot: Dated; matches: string[]; counters: Record<string, number> }[];
}

const now = Date.parse("2026-01-01T00:00:00Z");
const snapshotOf = (item: Dated): { time: string; tags: string[] } => ({ time: item.time, tags: item.tags ?? [] });
const within = (text: string): Pick<KeepPolicy, "within"> => ({ within: parseKeepDuration(text) });
const long = parseKeepDuration("1y2m3d3h");
const folder = join(goModuleDir("github.com/restic/restic", "v0.19.1"), "internal", "data", "testdata");

/** Policy number n belongs to restic's golden file policy_keep_snapshots_n. */
const policies: readonly Partial<KeepPolicy>[] = [
  {},
  { last: 10 },
  { last: 15 },
  { last: 99 },
  { last: 200 },
  { hourly: 20 },
  { daily: 3 },
  { daily: 10 },
  { daily: 30 },
  { last: 5, daily: 5 },
  { last: 2, daily: 10 },
  { weekly: 2 },
  { weekly: 4 },
  { daily: 3, weekly: 4 },
  { monthly: 6 },
  { daily: 2, weekly: 2, monthly: 6 },
  { yearly: 10 },
  { daily: 7, weekly: 2, monthly: 3, yearly: 10 },
  { tags: [["foo"]] },
  { tags: [["foo", "bar"]] },
  { tags: [["foo"], ["bar"]] },
  within("1d"),
  within("2d"),
  within("7d"),
  within("1m"),
  within("1m14d"),
  within("1y1d1m"),
  within("13d23h"),
  within("2m2h"),
  within("1y2m3d3h"),
  { withinHourly: long },
  { withinDaily: long },
  { withinWeekly: long },
  { withinMonthly: long },
  { withinYearly: long },
  {
    within: parseKeepDuration("1h"),
    withinHourly: parseKeepDuration("1d"),
    withinDaily: parseKeepDuration("7d"),
    withinWeekly: parseKeepDuration("1m"),
    withinMonthly: parseKeepDuration("1y"),
    withinYearly: parseKeepDuration("9999y"),
  },
  { last: -1 },
  { last: -1, hourly: -1 },
  { hourly: -1 },
  { daily: 3, weekly: 2, monthly: -1, yearly: -1 },
];

function golden(number: number): Golden {
  return JSON.parse(readFileSync(join(folder, `policy_keep_snapshots_${number}`), "utf8"));
}

const withoutZeros = (counters: object): Record<string, number> =>
  Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== 0));

// Number 36 keeps everything, so it holds the whole list, newest first and equal times in their order.
const all = golden(36).keep ?? [];

for (const [number, policy] of policies.entries()) {
  test(`applyKeepPolicy keeps what restic keeps, for the same reasons, in golden file ${number}`, () => {
    const expected = golden(number);
    const decision = applyKeepPolicy(all, { ...emptyPolicy, ...policy }, snapshotOf, now);
    assert.deepEqual(decision.keep, expected.keep ?? []);
    assert.equal(decision.keep.length + decision.remove.length, all.length);
    const reasons = decision.reasons.map((r) => ({ ...r, counters: withoutZeros(r.counters) }));
    assert.deepEqual(reasons, expected.reasons ?? []);
  });
}
