// Numbers about Schedules: with the Backups' own numbers they tell that one is missing, not only that one has failed.
import type { CounterMetric, GaugeMetric, Metrics } from "../../platform/metrics.ts";

export class ScheduleMetrics {
  readonly #made: CounterMetric;
  readonly #nextRun: GaugeMetric;

  constructor(metrics: Metrics) {
    this.#made = metrics.counter("stowage_schedule_backups_total", "Backups that a Schedule has made", ["schedule"]);
    const help = "When a Schedule's next Backup is due, in Unix seconds; none while it is paused or refused";
    this.#nextRun = metrics.gauge("stowage_schedule_next_run_timestamp_seconds", help, ["schedule"]);
  }

  countBackup(schedule: string): void {
    this.#made.add(1, { schedule });
  }

  setNextRun(schedule: string, ms: number): void {
    this.#nextRun.set(ms / 1000, { schedule });
  }

  forgetNextRun(schedule: string): void {
    this.#nextRun.remove({ schedule });
  }
}
