import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Backup, BackupStatus } from "../../../../../src/api/backup.ts";
import { Metrics } from "../../../../../src/platform/metrics.ts";
import { BackupMetrics } from "../../../../../src/server/backup/backup-metrics.ts";

const startTimestamp = "2026-01-01T00:00:00Z";
const completionTimestamp = "2026-01-01T00:02:00Z";

function backup(status: BackupStatus, schedule?: string): Backup {
  const labels = schedule === undefined ? {} : { "velero.io/schedule-name": schedule };
  return { metadata: { name: "b", labels }, spec: {}, status };
}

describe("BackupMetrics", () => {
  it("counts attempts and ends under Velero's names, by schedule", async () => {
    const metrics = new Metrics();
    const counted = new BackupMetrics(metrics);
    for (const phase of ["Completed", "PartiallyFailed", "Failed", "FailedValidation"] as const) {
      counted.countAttempt(backup({}, "nightly"));
      counted.countEnd(backup({ phase, startTimestamp, completionTimestamp, warnings: 1 }, "nightly"));
    }
    const text = await metrics.text();
    for (const line of [
      'velero_backup_attempt_total{schedule="nightly"} 4',
      'velero_backup_success_total{schedule="nightly"} 1',
      'velero_backup_partial_failure_total{schedule="nightly"} 1',
      'velero_backup_failure_total{schedule="nightly"} 1',
      'velero_backup_validation_failure_total{schedule="nightly"} 1',
      'velero_backup_warning_total{schedule="nightly"} 4',
      'velero_backup_duration_seconds_sum{schedule="nightly"} 480',
      'velero_backup_duration_seconds_bucket{le="300",schedule="nightly"} 4',
      'velero_backup_last_status{schedule="nightly"} 0',
      'stowage_backups_total{phase="Failed"} 1',
    ])
      assert.ok(text.includes(line), `${line} is missing in\n${text}`);
  });

  it("remembers when a Backup last succeeded, also from before the process began", async () => {
    const metrics = new Metrics();
    const counted = new BackupMetrics(metrics);
    counted.noteSuccess(backup({ phase: "Completed", completionTimestamp }));
    counted.noteSuccess(backup({ phase: "Completed", completionTimestamp: startTimestamp }));
    counted.noteSuccess(backup({ phase: "Failed", completionTimestamp: "2026-05-05T00:00:00Z" }));
    const seconds = Date.parse(completionTimestamp) / 1000;
    assert.ok((await metrics.text()).includes(`velero_backup_last_successful_timestamp{schedule=""} ${seconds}`));
  });

  it("counts volumes and existing Backups", async () => {
    const metrics = new Metrics();
    const counted = new BackupMetrics(metrics);
    counted.setTotal(7);
    counted.countVolumes("completed", 3);
    counted.countVolumes("failed", 0);
    const text = await metrics.text();
    assert.match(text, /^velero_backup_total 7$/m);
    assert.match(text, /^stowage_backup_volumes_total\{result="completed"\} 3$/m);
    assert.doesNotMatch(text, /result="failed"/);
  });
});
