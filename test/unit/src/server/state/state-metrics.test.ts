import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { type StateSources, serveStates } from "../../../../../src/server/state/state-metrics.ts";

test("resources are counted by phase, with the time of the oldest that nobody has begun", async () => {
  const metrics = new Metrics();
  const volume = (second: number, phase?: string) => ({
    metadata: { creationTimestamp: `1970-01-01T00:00:0${second}Z` },
    status: { phase },
  });
  const backups = [volume(3), volume(2, "New"), volume(1, "Completed")];
  const repositories = [
    { metadata: { name: "a" }, status: { phase: "Ready", lastMaintenanceTime: "1970-01-01T00:01:00Z" } },
    { metadata: { name: "b" } },
  ];
  serveStates(metrics, {
    repositories: { list: () => repositories },
    volumeBackups: { list: () => backups },
    volumeRestores: { list: () => [] },
  } as unknown as StateSources);
  const shown = async (): Promise<string[]> =>
    (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.deepEqual(await shown(), [
    'stowage_volume_objects{direction="backup",phase="New"} 2',
    'stowage_volume_objects{direction="backup",phase="Completed"} 1',
    'stowage_volume_objects_unclaimed_since_timestamp_seconds{direction="backup"} 2',
    'stowage_repository_ready{repository="a"} 1',
    'stowage_repository_ready{repository="b"} 0',
    'stowage_repository_last_maintenance_timestamp_seconds{repository="a"} 60',
  ]);
  backups.length = 0;
  assert.equal((await shown()).length, 3);
});
