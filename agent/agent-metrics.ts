// The agent's numbers: Velero's names where Velero has them, and what is missing there (failures, bytes, restores).

import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from "../src/platform/metrics.ts";

export interface AgentMetrics {
  /** Velero's: PodVolumeBackups seen and taken. */
  readonly backupsEnqueued: CounterMetric;
  readonly backupsDequeued: CounterMetric;
  /** Velero's: one series per backed up volume; the oldest are dropped. */
  readonly operationLatencySeconds: HistogramMetric;
  readonly operationLatencyGauge: GaugeMetric;
  readonly transfers: CounterMetric;
  readonly transferSeconds: HistogramMetric;
  readonly transferredBytes: CounterMetric;
  readonly addedBytes: CounterMetric;
  readonly transferredFiles: CounterMetric;
  readonly warnings: CounterMetric;
  readonly slots: GaugeMetric;
  readonly slotsUsed: GaugeMetric;
}

const minute = 60;
const hour = 3600;
const latencyBuckets = [minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 4 * hour];
const latencyLabels = ["node", "operation", "backupName", "pod_volume_backup"];

export function createAgentMetrics(metrics: Metrics): AgentMetrics {
  const latencyName = "podVolume_pod_volume_operation_latency_seconds";
  return {
    backupsEnqueued: metrics.counter(
      "podVolume_pod_volume_backup_enqueue_count",
      "PodVolumeBackups that were queued on this node",
      ["node"],
    ),
    backupsDequeued: metrics.counter(
      "podVolume_pod_volume_backup_dequeue_count",
      "PodVolumeBackups that were begun on this node",
      ["node"],
    ),
    operationLatencySeconds: metrics.histogram(latencyName, "Time per backed up volume", {
      buckets: latencyBuckets,
      labelNames: latencyLabels,
    }),
    operationLatencyGauge: metrics.gauge(`${latencyName}_gauge`, "Time of the volume's backup", latencyLabels),
    transfers: metrics.counter("stowage_volume_transfers_total", "Volumes moved, by result and reason of failure", [
      "direction",
      "result",
      "reason",
    ]),
    transferSeconds: metrics.histogram("stowage_volume_transfer_duration_seconds", "Time per volume", {
      buckets: [0.1, 1, 5, 30, minute, 5 * minute, 15 * minute, hour, 4 * hour],
      labelNames: ["direction"],
    }),
    transferredBytes: metrics.counter("stowage_volume_bytes_total", "Bytes of files read or written", ["direction"]),
    addedBytes: metrics.counter("stowage_repository_added_bytes_total", "Bytes of files new in a repository"),
    transferredFiles: metrics.counter("stowage_volume_files_total", "Files read or written", ["direction"]),
    warnings: metrics.counter("stowage_volume_warnings_total", "Files left out or not exactly kept", ["direction"]),
    slots: metrics.gauge("stowage_transfer_slots", "Volumes that may be moved at the same time"),
    slotsUsed: metrics.gauge("stowage_transfer_slots_used", "Volumes that are being moved"),
  };
}

const maxLatencySeries = 200;

export interface LatencyLabels {
  readonly [label: string]: string;
  readonly node: string;
  readonly operation: string;
  readonly backupName: string;
  readonly pod_volume_backup: string;
}

/** Keeps Velero's per-volume series from growing for ever. */
export class LatencySeries {
  readonly #metrics: AgentMetrics;
  readonly #known: LatencyLabels[] = [];

  constructor(metrics: AgentMetrics) {
    this.#metrics = metrics;
  }

  observe(seconds: number, labels: LatencyLabels): void {
    this.#metrics.operationLatencySeconds.observe(seconds, labels);
    this.#metrics.operationLatencyGauge.set(seconds, labels);
    this.#known.push(labels);
    const oldest = this.#known.length > maxLatencySeries ? this.#known.shift() : undefined;
    if (oldest === undefined) return;
    this.#metrics.operationLatencySeconds.remove(oldest);
    this.#metrics.operationLatencyGauge.remove(oldest);
  }
}
