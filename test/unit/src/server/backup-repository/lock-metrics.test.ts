import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { LockMetrics } from "../../../../../src/server/backup-repository/lock-metrics.ts";

const name = "stowage_repository_locked_since_timestamp_seconds";

async function shown(metrics: Metrics): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

test("a lock that is refreshed again and again is as old as its first refresh that was seen", async () => {
  const metrics = new Metrics();
  const locks = new LockMetrics(metrics);
  const prune = { exclusive: true, owner: "prune" };
  locks.note("shop", [{ ...prune, refreshedMs: 1000 }]);
  locks.note("shop", [
    { ...prune, refreshedMs: 301_000 },
    { exclusive: false, owner: "agent", refreshedMs: 305_000 },
  ]);
  assert.deepEqual(await shown(metrics), [
    `${name}{repository="shop",kind="exclusive"} 1`,
    `${name}{repository="shop",kind="shared"} 305`,
  ]);
  locks.note("shop", [{ exclusive: false, owner: "agent", refreshedMs: 600_000 }]);
  assert.deepEqual(await shown(metrics), [`${name}{repository="shop",kind="shared"} 305`]);
});

test("a repository without locks, and one that is gone, has no series", async () => {
  const metrics = new Metrics();
  const locks = new LockMetrics(metrics);
  for (const repository of ["free", "gone"]) locks.note(repository, [{ exclusive: true, owner: "o", refreshedMs: 1 }]);
  locks.note("free", []);
  locks.note("gone", undefined);
  assert.deepEqual(await shown(metrics), []);
});
