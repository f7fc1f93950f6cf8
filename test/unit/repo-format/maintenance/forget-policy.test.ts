// The retention rules against restic's own golden files (read from the Go module cache) and the corners that those leave
// open: zones, future snapshots, overflowing months.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  applyKeepPolicy,
  describePolicy,
  emptyPolicy,
  isEmptyPolicy,
  type KeepPolicy,
} from "../../../../repo-format/maintenance/forget-policy.ts";
import { parseKeepDuration } from "../../../../repo-format/maintenance/keep-duration.ts";
import { goModuleDir } from "../../../support/peers.ts";

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
  const folder = join(goModuleDir("github.com/restic/restic", "v0.19.1"), "internal", "data", "testdata");
  return JSON.parse(readFileSync(join(folder, `policy_keep_snapshots_${number}`), "utf8"));
}

const withoutZeros = (counters: object): Record<string, number> =>
  Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== 0));

describe("applyKeepPolicy", () => {
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

  test("applyKeepPolicy does not depend on the order of snapshots with different times", () => {
    const policy = { ...emptyPolicy, daily: 7, weekly: 2, monthly: 3, yearly: 10 };
    const distinct = all.filter((item, index) => index === 0 || all[index - 1]?.time !== item.time);
    const expected = applyKeepPolicy(distinct, policy, snapshotOf, now);
    assert.deepEqual(applyKeepPolicy([...distinct].reverse(), policy, snapshotOf, now), expected);
  });

  test("applyKeepPolicy puts a snapshot into the day of the zone that is stored in it", () => {
    const list = [{ time: "2024-05-02T01:30:00+02:00" }, { time: "2024-05-01T23:00:00Z" }];
    const decision = applyKeepPolicy(list, { ...emptyPolicy, daily: 2 }, snapshotOf, now);
    assert.deepEqual(decision.keep, list, "2 May in one zone and 1 May in the other are two days");
    const sameZone = [
      { time: "2024-05-01T23:30:00Z" },
      { time: "2024-05-01T23:00:00Z" },
      { time: "2024-04-01T00:00:00Z" },
    ];
    const one = applyKeepPolicy(sameZone, { ...emptyPolicy, daily: 1 }, snapshotOf, now);
    assert.deepEqual(one.keep, [sameZone[0]]);
  });

  test("applyKeepPolicy counts ISO weeks over the turn of a year", () => {
    const list = [{ time: "2021-01-03T12:00:00Z" }, { time: "2020-12-28T12:00:00Z" }, { time: "2020-12-27T12:00:00Z" }];
    const decision = applyKeepPolicy(list, { ...emptyPolicy, weekly: 2 }, snapshotOf, now);
    assert.deepEqual(decision.keep, [list[0], list[2]]);
  });

  test("applyKeepPolicy measures durations from the newest snapshot that is not in the future", () => {
    const list = [{ time: "2030-01-01T00:00:00Z" }, { time: "2025-06-10T00:00:00Z" }, { time: "2025-06-01T00:00:00Z" }];
    const decision = applyKeepPolicy(list, { ...emptyPolicy, ...within("5d") }, snapshotOf, now);
    assert.deepEqual(decision.keep, [list[0], list[1]]);
  });

  test("applyKeepPolicy keeps the oldest snapshot for a rule that has room left and says so", () => {
    const list = [{ time: "2024-05-01T12:00:00Z" }, { time: "2024-05-01T11:00:00Z" }, { time: "2024-05-01T10:00:00Z" }];
    const decision = applyKeepPolicy(list, { ...emptyPolicy, daily: 2 }, snapshotOf, now);
    assert.deepEqual(
      decision.reasons.map((r) => r.matches),
      [["daily snapshot"], ["oldest daily snapshot"]],
    );
    assert.deepEqual(decision.remove, [list[1]]);
  });

  test("applyKeepPolicy with the empty tag keeps snapshots without tags", () => {
    const list = [{ time: "2024-05-02T12:00:00Z", tags: ["a"] }, { time: "2024-05-01T12:00:00Z" }];
    const decision = applyKeepPolicy(list, { ...emptyPolicy, tags: [[""]] }, snapshotOf, now);
    assert.deepEqual(decision.keep, [list[1]]);
  });

  test("applyKeepPolicy of no snapshots keeps and removes nothing", () => {
    assert.deepEqual(applyKeepPolicy([], { ...emptyPolicy, last: 1 }, snapshotOf, now), {
      keep: [],
      remove: [],
      reasons: [],
    });
  });
});

describe("describePolicy and isEmptyPolicy", () => {
  test("describePolicy lists counts, limits, tags and the plain duration in restic's words", () => {
    const policy = {
      ...emptyPolicy,
      last: 3,
      weekly: -1,
      withinDaily: parseKeepDuration("2m"),
      tags: [["a", "b"], ["c"]],
    };
    const words = "keep 3 latest, all weekly snapshots, daily snapshots within 2m";
    assert.equal(describePolicy(policy), `${words} and all snapshots with tags [[a, b] [c]]`);
    assert.equal(describePolicy({ ...emptyPolicy, ...within("3y") }), "keep all snapshots within 3y of the newest");
    assert.equal(describePolicy(emptyPolicy), "remove");
  });

  test("isEmptyPolicy is true only when no rule is set", () => {
    assert.ok(isEmptyPolicy(emptyPolicy));
    for (const policy of policies.slice(1)) assert.ok(!isEmptyPolicy({ ...emptyPolicy, ...policy }));
  });
});
