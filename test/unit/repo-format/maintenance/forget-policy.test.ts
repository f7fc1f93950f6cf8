// Corners of the retention rules; restic's own golden files are in test/interop, general laws in test/property.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  applyKeepPolicy,
  describePolicy,
  emptyPolicy,
  isEmptyPolicy,
  type KeepPolicy,
} from "../../../../repo-format/maintenance/forget-policy.ts";
import { parseKeepDuration } from "../../../../repo-format/maintenance/keep-duration.ts";

interface Dated {
  readonly time: string;
  readonly tags?: string[];
  readonly paths?: string[] | null;
}

const now = Date.parse("2026-01-01T00:00:00Z");
const snapshotOf = (item: Dated): { time: string; tags: string[] } => ({ time: item.time, tags: item.tags ?? [] });
const within = (text: string): Pick<KeepPolicy, "within"> => ({ within: parseKeepDuration(text) });

describe("applyKeepPolicy", () => {
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
    for (const rule of ["last", "hourly", "daily", "weekly", "monthly", "yearly"]) {
      assert.ok(!isEmptyPolicy({ ...emptyPolicy, [rule]: -1 }));
    }
    for (const rule of ["within", "withinHourly", "withinYearly"]) {
      assert.ok(!isEmptyPolicy({ ...emptyPolicy, [rule]: parseKeepDuration("1h") }));
    }
    assert.ok(!isEmptyPolicy({ ...emptyPolicy, tags: [[""]] }));
  });
});
