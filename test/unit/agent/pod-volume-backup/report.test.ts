import assert from "node:assert/strict";
import { test } from "node:test";
import { createAgentMetrics } from "../../../../agent/agent-metrics.ts";
import { countReport, reportText, type VolumeReport } from "../../../../agent/pod-volume-backup/report.ts";
import { Metrics } from "../../../../src/platform/metrics.ts";

const report: VolumeReport = {
  bytesRead: 2048,
  bytesNew: 3000,
  bytesStored: 1000,
  entries: { files: 3, hardLinks: 2, directories: 1, symlinks: 0, devices: 0, fifos: 0, sockets: 0 },
  excludedCount: 0,
  traffic: {
    outcomes: { get: {}, put: {}, list: {}, delete: {}, stat: {} },
    requests: { get: 4, put: 3, list: 2, delete: 0, stat: 0 },
    files: { config: 0, key: 0, lock: 2, snapshot: 2, index: 2, pack: 3, other: 0 },
    bytesSent: 1024,
    bytesReceived: 512,
    failures: 2,
    retries: 1,
  },
  stageSeconds: {
    findingParent: 0.25,
    loadingIndex: 0.0004,
    saving: 3.1234567,
    storingPacks: 0.75,
    storingIndex: 1,
    endingThreads: 0,
    storingSnapshot: 0.06,
  },
  threadSeconds: { reading: 1.5, sealing: 4 },
  waitSeconds: { threads: 2, store: 0 },
  openingSeconds: 0.6,
  lockingSeconds: 0.01,
};

test("the annotation has every figure but zeros, times in whole milliseconds", () => {
  assert.deepEqual(JSON.parse(reportText(report)), {
    bytesRead: 2048,
    bytesNew: 3000,
    bytesStored: 1000,
    entries: { files: 3, hardLinks: 2, directories: 1 },
    requests: { get: 4, put: 3, list: 2 },
    retries: 1,
    bytesSent: 1024,
    bytesReceived: 512,
    seconds: {
      opening: 0.6,
      locking: 0.01,
      findingParent: 0.25,
      saving: 3.123,
      storingPacks: 0.75,
      storingIndex: 1,
      storingSnapshot: 0.06,
    },
    threadSeconds: { reading: 1.5, sealing: 4 },
    waitSeconds: { threads: 2 },
  });
});

test("figures nobody counted are left out", () => {
  const text = reportText({ ...report, traffic: undefined });
  assert.deepEqual(
    ["requests", "retries", "bytesSent"].filter((key) => key in JSON.parse(text)),
    [],
  );
});

test("the agent's totals grow by each report; the series are as many as kinds and stages", async () => {
  const metrics = new Metrics();
  const agentMetrics = createAgentMetrics(metrics);
  countReport(agentMetrics, report);
  countReport(agentMetrics, { ...report, bytesRead: 2 });
  const lines = (await metrics.text()).split("\n").filter((line) => !line.startsWith("#"));
  for (const line of [
    "stowage_volume_read_bytes_total 2050",
    "stowage_repository_stored_bytes_total 2000",
    'stowage_volume_entries_total{kind="hard_links"} 4',
    'stowage_backup_stage_seconds_total{stage="storing_packs"} 1.5',
    'stowage_backup_stage_seconds_total{stage="locking"} 0.02',
    'stowage_backup_thread_seconds_total{work="sealing"} 8',
    'stowage_backup_wait_seconds_total{reason="threads"} 4',
  ])
    assert.ok(lines.includes(line), line);
  const count = (name: string): number => lines.filter((line) => line.startsWith(name)).length;
  const counts = [
    "stowage_volume_entries_total",
    "stowage_backup_stage",
    "stowage_backup_thread",
    "stowage_backup_wait",
  ];
  assert.deepEqual(counts.map(count), [7, 9, 2, 2]);
});
