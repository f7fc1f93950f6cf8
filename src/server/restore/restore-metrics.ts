// Numbers about Restores, under Velero's names where Velero has them, by the schedule that made the Backup ("" for none).
import type { RestorePhase } from "../../api/restore.ts";
import type { CounterMetric, GaugeMetric, Metrics } from "../../platform/metrics.ts";

export type RestoreEndPhase = Extract<RestorePhase, "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation">;

export class RestoreMetrics {
  readonly #total: GaugeMetric;
  readonly #attempts: CounterMetric;
  readonly #ends: Readonly<Record<RestoreEndPhase, CounterMetric>>;
  readonly #volumes: CounterMetric;

  constructor(metrics: Metrics) {
    const bySchedule = (name: string, help: string): CounterMetric => metrics.counter(name, help, ["schedule"]);
    this.#total = metrics.gauge("velero_restore_total", "Restores that exist");
    this.#attempts = bySchedule("velero_restore_attempt_total", "Restores that were begun");
    this.#ends = {
      Completed: bySchedule("velero_restore_success_total", "Restores that ended Completed"),
      PartiallyFailed: bySchedule("velero_restore_partial_failure_total", "Restores that ended PartiallyFailed"),
      Failed: bySchedule("velero_restore_failed_total", "Restores that ended Failed"),
      FailedValidation: bySchedule("velero_restore_validation_failed_total", "Restores that were refused"),
    };
    const help = "PodVolumeRestores of Restores that ended, by result";
    this.#volumes = metrics.counter("stowage_restore_volumes_total", help, ["result"]);
  }

  setTotal(count: number): void {
    this.#total.set(count);
  }

  /** A Restore was taken up, valid or not. */
  countAttempt(schedule: string): void {
    this.#attempts.add(1, { schedule });
  }

  countEnd(phase: RestoreEndPhase, schedule: string): void {
    this.#ends[phase].add(1, { schedule });
  }

  countVolumes(result: "completed" | "failed", count: number): void {
    if (count > 0) this.#volumes.add(count, { result });
  }
}
