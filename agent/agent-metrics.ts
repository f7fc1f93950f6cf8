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
  /** Of the reports of backups. */
  readonly readBytes: CounterMetric;
  readonly storedBytes: CounterMetric;
  readonly entries: CounterMetric;
  readonly stageSeconds: CounterMetric;
  readonly threadSeconds: CounterMetric;
  readonly waitSeconds: CounterMetric;
  readonly warnings: CounterMetric;
  /** From the creation of a resource to its beginning. */
  readonly waitedSeconds: HistogramMetric;
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
    ...backupMetrics(metrics),
    warnings: metrics.counter("stowage_volume_warnings_total", "Files left out or not exactly kept", ["direction"]),
    waitedSeconds: metrics.histogram(
      "stowage_volume_wait_seconds",
      "Time from a resource's creation to its beginning",
      {
        buckets: [1, 5, 30, minute, 5 * minute, 15 * minute, 30 * minute, hour, 4 * hour],
        labelNames: ["direction"],
      },
    ),
    slots: metrics.gauge("stowage_transfer_slots", "Volumes that may be moved at the same time"),
    slotsUsed: metrics.gauge("stowage_transfer_slots_used", "Volumes that are being moved"),
  };
}

type BackupMetricNames = "readBytes" | "storedBytes" | "entries" | "stageSeconds" | "threadSeconds" | "waitSeconds";

function backupMetrics(metrics: Metrics): Pick<AgentMetrics, BackupMetricNames> {
  return {
    readBytes: metrics.counter(
      "stowage_volume_read_bytes_total",
      "Bytes that backups read, without files taken over from the snapshot before",
    ),
    storedBytes: metrics.counter(
      "stowage_repository_stored_bytes_total",
      "Bytes that backups stored, compressed and encrypted",
    ),
    entries: metrics.counter("stowage_volume_entries_total", "Entries that backups came to, by kind", ["kind"]),
    stageSeconds: metrics.counter("stowage_backup_stage_seconds_total", "Time of backups by stage", ["stage"]),
    threadSeconds: metrics.counter("stowage_backup_thread_seconds_total", "Time of all worker threads of backups", [
      "work",
    ]),
    waitSeconds: metrics.counter(
      "stowage_backup_wait_seconds_total",
      "Time in which the walk waited for threads, or what was ready to be stored for the store",
      ["reason"],
    ),
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
