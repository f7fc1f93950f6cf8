// Laws of retention policies, on random lists of snapshots.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTime } from "../../repo-format/format/time.ts";
import { applyKeepPolicy, emptyPolicy, type KeepPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { formatKeepDuration, noDuration, parseKeepDuration } from "../../repo-format/maintenance/keep-duration.ts";

interface Item {
  readonly time: string;
  readonly tags: string[];
}

const nowMs = Date.parse("2024-06-01T00:00:00Z");
const asItem = (item: Item): Item => item;

const items: fc.Arbitrary<Item[]> = fc
  .uniqueArray(
    fc.record({
      minutesAgo: fc.oneof(fc.integer({ min: -2000, max: 3000 }), fc.nat(2_000_000)),
      offsetMinutes: fc.constantFrom(0, 0, 120, -570, 845),
      tags: fc.subarray(["a", "b"]),
    }),
    { selector: ({ minutesAgo }) => minutesAgo, maxLength: 40 },
  )
  .map((list) =>
    list.map(({ minutesAgo, offsetMinutes, tags }) => ({
      time: formatTime(BigInt(nowMs - minutesAgo * 60_000) * 1_000_000n, offsetMinutes),
      tags,
    })),
  );

const count = fc.oneof(fc.constant(0), fc.integer({ min: -1, max: 12 }));
const duration = fc.oneof(
  fc.constant(noDuration),
  fc.record({ years: fc.nat(2), months: fc.nat(14), days: fc.nat(40), hours: fc.nat(30) }),
);
const policies: fc.Arbitrary<KeepPolicy> = fc.record({
  last: count,
  hourly: count,
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
  within: duration,
  withinHourly: duration,
  withinDaily: duration,
  withinWeekly: duration,
  withinMonthly: duration,
  withinYearly: duration,
  tags: fc.subarray([["a"], ["a", "b"], [""]]),
});

const property = { numRuns: 1000 };

test("applyKeepPolicy keeps or removes every snapshot, newest first, with a reason for each that it keeps", () => {
  fc.assert(
    fc.property(items, policies, (list, policy) => {
      const { keep, remove, reasons } = applyKeepPolicy(list, policy, asItem, nowMs);
      assert.deepEqual(new Set([...keep, ...remove]), new Set(list));
      assert.equal(keep.length + remove.length, list.length);
      assert.deepEqual(
        reasons.map((reason) => reason.snapshot),
        keep,
      );
      assert.ok(reasons.every((reason) => reason.matches.length > 0));
      for (const part of [keep, remove]) {
        const times = part.map(({ time }) => Date.parse(time));
        assert.deepEqual(
          times,
          [...times].sort((a, b) => b - a),
        );
      }
    }),
    property,
  );
});

test("applyKeepPolicy does not depend on the order of its input", () => {
  fc.assert(
    fc.property(items, policies, (list, policy) => {
      const decision = applyKeepPolicy(list, policy, asItem, nowMs);
      assert.deepEqual(applyKeepPolicy([...list].reverse(), policy, asItem, nowMs), decision);
    }),
    property,
  );
});

test("applyKeepPolicy removes nothing when it is applied again to what it kept", () => {
  fc.assert(
    fc.property(items, policies, (list, policy) => {
      const { keep } = applyKeepPolicy(list, policy, asItem, nowMs);
      assert.deepEqual(applyKeepPolicy(keep, policy, asItem, nowMs).remove, []);
    }),
    property,
  );
});

test("applyKeepPolicy keeps no fewer snapshots when one rule gets more room", () => {
  const rules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
  fc.assert(
    fc.property(items, policies, fc.constantFrom(...rules), fc.nat(5), (list, policy, rule, more) => {
      const roomy = { ...policy, [rule]: policy[rule] === -1 ? -1 : policy[rule] + more };
      const few = applyKeepPolicy(list, policy, asItem, nowMs).keep;
      const many = new Set(applyKeepPolicy(list, roomy, asItem, nowMs).keep);
      assert.ok(few.every((item) => many.has(item)));
    }),
    property,
  );
});

/** The bucket of a time, read off its text: what a person sees is what counts, in the zone that was stored. */
const bucketTexts = {
  last: (time: string) => `${time}`,
  hourly: (time: string) => time.slice(0, 13),
  daily: (time: string) => time.slice(0, 10),
  monthly: (time: string) => time.slice(0, 7),
  yearly: (time: string) => time.slice(0, 4),
} as const;

test("a counting rule keeps the newest of each of its n newest buckets, and the oldest snapshot while it has room", () => {
  fc.assert(
    fc.property(
      items,
      fc.constantFrom("last", "hourly", "daily", "monthly", "yearly"),
      fc.integer({ min: -1, max: 8 }),
      (list, rule, n) => {
        const newestFirst = [...list].sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
        const expected: Item[] = [];
        let previous = "";
        let left = n;
        for (const [place, item] of newestFirst.entries()) {
          const bucket = bucketTexts[rule as keyof typeof bucketTexts](item.time);
          const isWanted = bucket !== previous || place === newestFirst.length - 1;
          if (left === 0 || !isWanted) continue;
          expected.push(item);
          previous = bucket;
          left--;
        }
        const policy = { ...emptyPolicy, [rule]: n };
        assert.deepEqual(applyKeepPolicy(list, policy, asItem, nowMs).keep, expected);
      },
    ),
    property,
  );
});

test("parseKeepDuration reads back what formatKeepDuration writes", () => {
  fc.assert(
    fc.property(duration, (value) => assert.deepEqual(parseKeepDuration(formatKeepDuration(value)), { ...value })),
    property,
  );
});
