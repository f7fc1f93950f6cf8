// Numbers about deletions of Backups, under Velero's names, by the schedule that made the Backup ("" for none).
import type { Backup } from "../../api/backup.ts";
import { labels } from "../../api/names.ts";
import type { CounterMetric, GaugeMetric, Metrics } from "../../platform/metrics.ts";

export class DeletionMetrics {
  readonly #attempts: CounterMetric;
  readonly #successes: CounterMetric;
  readonly #failures: CounterMetric;
  readonly #paused: GaugeMetric;

  constructor(metrics: Metrics) {
    const bySchedule = (name: string, help: string): CounterMetric => metrics.counter(name, help, ["schedule"]);
    this.#attempts = bySchedule("velero_backup_deletion_attempt_total", "Deletions of Backups that were begun");
    this.#successes = bySchedule("velero_backup_deletion_success_total", "Backups that were deleted");
    this.#failures = bySchedule("velero_backup_deletion_failure_total", "Deletions of Backups that ended with errors");
    const paused = "1 while deletions wait for somebody to agree, else 0";
    this.#paused = metrics.gauge("stowage_deletions_paused", paused, ["location"]);
  }

  countAttempt(backup: Backup): void {
    this.#attempts.add(1, { schedule: scheduleOf(backup) });
  }

  countEnd(backup: Backup, hasFailed: boolean): void {
    (hasFailed ? this.#failures : this.#successes).add(1, { schedule: scheduleOf(backup) });
  }

  setPaused(location: string, isPaused: boolean): void {
    this.#paused.set(isPaused ? 1 : 0, { location });
  }
}

function scheduleOf({ metadata }: Backup): string {
  return metadata.labels?.[labels.scheduleName] ?? "";
}
