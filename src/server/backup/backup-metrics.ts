// Numbers about Backups, under Velero's names where Velero has them, by the schedule that made the Backup ("" for none).
import type { Backup, BackupPhase } from "../../api/backup.ts";
import { parseTimestamp } from "../../platform/clock.ts";
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from "../../platform/metrics.ts";

type EndPhase = Extract<BackupPhase, "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation">;

const minute = 60;
const hour = 3600;
const durationBuckets = [minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 4 * hour];

export class BackupMetrics {
  readonly #total: GaugeMetric;
  readonly #attempts: CounterMetric;
  readonly #ends: Readonly<Record<EndPhase, CounterMetric>>;
  readonly #warnings: CounterMetric;
  readonly #seconds: HistogramMetric;
  readonly #lastSuccess: GaugeMetric;
  readonly #lastStatus: GaugeMetric;
  readonly #items: GaugeMetric;
  readonly #itemErrors: GaugeMetric;
  readonly #tarballBytes: GaugeMetric;
  readonly #endsByPhase: CounterMetric;
  readonly #volumes: CounterMetric;
  /** Seconds since the epoch, by schedule. */
  readonly #lastSuccessOf = new Map<string, number>();

  constructor(metrics: Metrics) {
    const bySchedule = (name: string, help: string): CounterMetric => metrics.counter(name, help, ["schedule"]);
    this.#total = metrics.gauge("velero_backup_total", "Backups that exist");
    this.#attempts = bySchedule("velero_backup_attempt_total", "Backups that were begun");
    this.#ends = {
      Completed: bySchedule("velero_backup_success_total", "Backups that ended Completed"),
      PartiallyFailed: bySchedule("velero_backup_partial_failure_total", "Backups that ended PartiallyFailed"),
      Failed: bySchedule("velero_backup_failure_total", "Backups that ended Failed"),
      FailedValidation: bySchedule("velero_backup_validation_failure_total", "Backups that were refused"),
    };
    this.#warnings = bySchedule("velero_backup_warning_total", "Backups that ended with warnings");
    this.#seconds = metrics.histogram("velero_backup_duration_seconds", "Time from start to end of a Backup", {
      buckets: durationBuckets,
      labelNames: ["schedule"],
    });
    const lastSuccess = "velero_backup_last_successful_timestamp";
    this.#lastSuccess = metrics.gauge(lastSuccess, "When a Backup last ended Completed, in Unix seconds", ["schedule"]);
    this.#lastStatus = metrics.gauge("velero_backup_last_status", "1 when the last Backup ended Completed, else 0", [
      "schedule",
    ]);
    const gaugeBySchedule = (name: string, help: string): GaugeMetric => metrics.gauge(name, help, ["schedule"]);
    this.#items = gaugeBySchedule("velero_backup_items_total", "Objects that the last Backup found");
    this.#itemErrors = gaugeBySchedule("velero_backup_items_errors", "Errors of the last Backup");
    this.#tarballBytes = gaugeBySchedule("velero_backup_tarball_size_bytes", "Size of the last Backup's tarball");
    this.#endsByPhase = metrics.counter("stowage_backups_total", "Backups that ended, by phase", ["phase"]);
    this.#volumes = metrics.counter(
      "stowage_backup_volumes_total",
      "PodVolumeBackups of Backups that ended, by result",
      ["result"],
    );
  }

  /** A Backup was taken up, valid or not. */
  countAttempt(backup: Backup): void {
    this.#attempts.add(1, { schedule: scheduleOf(backup) });
  }

  /** The object as it was written at its end. */
  countEnd(backup: Backup): void {
    const phase = backup.status?.phase as EndPhase;
    const schedule = scheduleOf(backup);
    this.#ends[phase].add(1, { schedule });
    this.#endsByPhase.add(1, { phase });
    this.#lastStatus.set(phase === "Completed" ? 1 : 0, { schedule });
    this.#items.set(backup.status?.progress?.totalItems ?? 0, { schedule });
    this.#itemErrors.set(backup.status?.errors ?? 0, { schedule });
    if ((backup.status?.warnings ?? 0) > 0) this.#warnings.add(1, { schedule });
    const seconds = durationSeconds(backup);
    if (seconds !== undefined) this.#seconds.observe(seconds, { schedule });
    this.noteSuccess(backup);
  }

  countVolumes(result: "completed" | "failed", count: number): void {
    if (count > 0) this.#volumes.add(count, { result });
  }

  setTarballSize(backup: Backup, bytes: number): void {
    this.#tarballBytes.set(bytes, { schedule: scheduleOf(backup) });
  }

  setTotal(count: number): void {
    this.#total.set(count);
  }

  /** Also for Backups that ended before this process began: the newest time stays. */
  noteSuccess(backup: Backup): void {
    const endMs = parseTimestamp(backup.status?.completionTimestamp);
    if (backup.status?.phase !== "Completed" || endMs === undefined) return;
    const schedule = scheduleOf(backup);
    if ((this.#lastSuccessOf.get(schedule) ?? 0) >= endMs / 1000) return;
    this.#lastSuccessOf.set(schedule, endMs / 1000);
    this.#lastSuccess.set(endMs / 1000, { schedule });
  }
}

function scheduleOf(backup: Backup): string {
  return backup.metadata.labels?.["velero.io/schedule-name"] ?? "";
}

function durationSeconds(backup: Backup): number | undefined {
  const startMs = parseTimestamp(backup.status?.startTimestamp);
  const endMs = parseTimestamp(backup.status?.completionTimestamp);
  return startMs === undefined || endMs === undefined ? undefined : Math.max(0, endMs - startMs) / 1000;
}
