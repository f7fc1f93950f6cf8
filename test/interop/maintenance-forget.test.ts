// forget and the selection of snapshots decide as restic does, on random sets of snapshots.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { type ForgetGroup, forget } from "../../repo-format/maintenance/forget.ts";
import { emptyPolicy, type KeepPolicy } from "../../repo-format/maintenance/forget-policy.ts";
import { parseKeepDuration } from "../../repo-format/maintenance/keep-duration.ts";
import { prune } from "../../repo-format/maintenance/prune.ts";
import { findSnapshots, resolveSnapshot, type SnapshotFilter } from "../../repo-format/repository/find-snapshots.ts";
import { parseGroupBy } from "../../repo-format/repository/group-snapshots.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { LocalDirectoryStorage } from "../../repo-format/storage/local-directory.ts";
import { createTestRepository, storeBlobs, storeSnapshot, testPassword } from "../support/memory-repository.ts";
import { restic, resticMust } from "../support/restic.ts";
import { makeTemporaryDirectory, removeDirectory } from "../support/temporary-directory.ts";

const lockTimings = { settleMs: 0 };
const snapshotCount = 120;
const seed = 20240501;

/** Always the same pseudo-random numbers. */
function sampled<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

const zones = ["Z", "+02:00", "-09:30", "+13:00"];
const hour = 3_600_000;

const snapshotFields = fc.record({
  time: fc
    .record({
      // Many in the last days, fewer over four years.
      hoursAgo: fc.oneof(fc.nat(40), fc.nat(1000), fc.nat(35_000)),
      zone: fc.constantFrom(...zones),
      fraction: fc.constantFrom("", ".5", ".123456789"),
    })
    .map(({ hoursAgo, zone, fraction }) => {
      const time = new Date(Date.parse("2024-04-30T21:30:00Z") - hoursAgo * hour).toISOString();
      return `${time.slice(0, 19)}${fraction}${zone}`;
    }),
  hostname: fc.constantFrom("a", "b"),
  paths: fc.constantFrom<string[]>(["/x"], ["/y", "/x"], ["/x", "/y"], ["/ü"]),
  tags: fc.constantFrom<string[]>([], ["t"], ["t", "u"], ["u", "t"]),
});

interface ResticGroup {
  readonly host: string;
  readonly paths: string[] | null;
  readonly tags: string[] | null;
  readonly keep: { id: string }[] | null;
  readonly remove: { id: string }[] | null;
  readonly reasons: { snapshot: { id: string }; matches: string[] }[] | null;
}

/** A group as plain values; snapshots of one instant have no order of their own, so ids are sorted. */
function comparable(group: ResticGroup | ForgetGroup): unknown {
  const isOurs = "key" in group;
  const ids = (list: readonly { id: string }[] | null): string[] => (list ?? []).map(({ id }) => id).sort();
  const reasons = (group.reasons ?? []).map(({ snapshot, matches }) => `${snapshot.id} ${matches.join("; ")}`);
  return {
    host: isOurs ? group.key.hostname : group.host,
    paths: isOurs ? group.key.paths : group.paths,
    tags: isOurs ? group.key.tags : group.tags,
    keep: ids(group.keep),
    remove: ids(group.remove),
    reasons: reasons.sort(),
  };
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const count = fc.constantFrom(0, 0, 0, 1, 3, 12, -1);
const duration = fc.constantFrom("", "", "", "3d", "1m", "2m5d", "1y", "40h", "1y2m3d4h");

const policies = fc
  .record({
    last: fc.constantFrom(0, 0, 1, 5),
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    within: duration,
    "within-hourly": duration,
    "within-daily": duration,
    "within-weekly": duration,
    "within-monthly": duration,
    "within-yearly": duration,
    tags: fc.constantFrom([], [], ["t"], ["t,u", "v"]),
    groupBy: fc.constantFrom("host,paths", "host", "tags", "paths,tags", ""),
  })
  .map(({ tags, groupBy, ...rules }) => {
    const used = Object.entries(rules).filter(([, value]) => value !== 0 && value !== "");
    const flags = used.map(([name, value]) => `--keep-${name}=${value === -1 ? "unlimited" : value}`);
    const read = (value: string | number): unknown => (typeof value === "string" ? parseKeepDuration(value) : value);
    const named = used.map(([name, value]) => [name.replace(/-(.)/, (_, letter) => letter.toUpperCase()), read(value)]);
    const policy: KeepPolicy = {
      ...emptyPolicy,
      ...Object.fromEntries(named),
      tags: tags.map((list) => list.split(",")),
    };
    return { policy, groupBy, flags: [...flags, ...tags.map((list) => `--keep-tag=${list}`), `--group-by=${groupBy}`] };
  })
  .filter(({ flags }) => flags.length > 1);

describe("forget and find-snapshots against restic", () => {
  const path = makeTemporaryDirectory("forget");
  const options = { repository: path, password: testPassword };
  let repo: Repository;

  before(async () => {
    repo = await createTestRepository({ storage: new LocalDirectoryStorage(path, { create: true }) });
    const [tree] = await storeBlobs(repo, "tree", [encodeTree([])]);
    if (tree === undefined) throw new Error("no tree");
    // Distinct times: of two snapshots of one instant restic keeps whichever its listing brings first.
    const distinct = new Map(sampled(snapshotFields, snapshotCount).map((fields) => [Date.parse(fields.time), fields]));
    for (const fields of distinct.values()) await storeSnapshot(repo, tree, fields);
  });
  after(() => removeDirectory(path));

  for (const { policy, groupBy, flags } of sampled(policies, 25)) {
    test(`forget ${flags.join(" ")} decides as restic does`, async () => {
      const theirs = await restic(["forget", "--dry-run", "--no-lock", "--json", ...flags], options);
      const ours = forget(repo, { policy, groupBy: parseGroupBy(groupBy), dryRun: true, lockTimings });
      if (theirs.code !== 0) {
        await assert.rejects(ours, { code: "removal-refused" });
        assert.match(theirs.stderr, /refusing to delete last snapshot/);
        return;
      }
      const groups = theirs.messages as unknown as ResticGroup[];
      assert.deepEqual((await ours).groups.map(comparable).sort(byText), groups.map(comparable).sort(byText));
    });
  }

  const filters: readonly { filter: SnapshotFilter; flags: string[] }[] = [
    { filter: {}, flags: [] },
    { filter: { hosts: ["a"] }, flags: ["--host=a"] },
    { filter: { hosts: ["a", "b"], tags: [["t"]] }, flags: ["--host=a", "--host=b", "--tag=t"] },
    { filter: { tags: [["t", "u"], [""]] }, flags: ["--tag=t,u", "--tag="] },
    { filter: { paths: ["/y", "/x"] }, flags: ["--path=/y", "--path=/x"] },
    { filter: { hosts: ["b"], tags: [["u"]], paths: ["/ü"] }, flags: ["--host=b", "--tag=u", "--path=/ü"] },
    { filter: { hosts: ["nobody"] }, flags: ["--host=nobody"] },
  ];
  for (const { filter, flags } of filters) {
    test(`findSnapshots chooses what restic snapshots ${flags.join(" ")} lists, and the same latest`, async () => {
      const { messages } = await resticMust(["snapshots", "--no-lock", "--json", ...flags], options);
      const found = await findSnapshots(repo, filter);
      assert.deepEqual(
        found.map(({ id }) => id),
        messages.map((snapshot) => snapshot.id),
      );
      const latest = await restic(["ls", "--no-lock", "--json", "latest", ...flags], options);
      if (latest.code === 0) {
        assert.equal((await resolveSnapshot(repo, "latest", filter)).id, latest.messages[0]?.id);
      } else {
        await assert.rejects(resolveSnapshot(repo, "latest", filter), { code: "snapshot-missing" });
      }
    });
  }

  test("forget removes what it planned, and restic agrees about what is left", async () => {
    const policy = { ...emptyPolicy, daily: 7, monthly: 12, tags: [["u"]] };
    const result = await forget(repo, { policy, groupBy: parseGroupBy("host,paths"), prune: {}, lockTimings });
    assert.ok(result.remove.length > 10 && result.failed.length === 0);
    const kept = result.groups.flatMap((group) => group.keep.map(({ id }) => id));
    const { messages } = await resticMust(["snapshots", "--json"], options);
    assert.deepEqual(messages.map((snapshot) => String(snapshot.id)).sort(), kept.sort());
    await prune(repo, { lockTimings });
    assert.match((await resticMust(["check", "--read-data"], options)).stdout, /no errors were found/);
  });
});
