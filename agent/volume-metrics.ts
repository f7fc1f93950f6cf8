// Numbers that are read off the agent's state when somebody asks: each volume's last outcome, what runs, what waits, the
// memory and the locks in use. Labels begin with `volume_` where Prometheus gives every target a `namespace` and a `pod`.
import type { Metrics, Sample } from "../src/platform/metrics.ts";
import type { RunningVolume } from "./volume-work/running-volumes.ts";
import type { VolumeOutcome } from "./volume-work/volume-outcomes.ts";

export interface WaitingVolumes {
  readonly count: number;
  /** When the oldest was made, in milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
}

export interface VolumeSources {
  /** Of the pods of this node, at most a thousand. */
  readonly outcomes: () => readonly VolumeOutcome[];
  readonly running: () => readonly RunningVolume[];
  /** Not begun, although their pod is on this node. */
  readonly waiting: (direction: "backup" | "restore") => WaitingVolumes;
}

type Value<T> = (from: T) => number | undefined;

const volumeLabels = ["volume_namespace", "volume_pod", "volume"];

export function serveVolumes(metrics: Metrics, sources: VolumeSources): void {
  serveOutcomes(metrics, sources.outcomes);
  serveRunning(metrics, sources.running);
  const waiting = (value: Value<WaitingVolumes>) => (): Sample[] =>
    (["backup", "restore"] as const).flatMap((direction) =>
      samplesOf(value(sources.waiting(direction)), { direction }),
    );
  const count = "Resources of this node that nobody has begun";
  metrics.sampledGauge(
    "stowage_volumes_waiting",
    count,
    ["direction"],
    waiting((from) => from.count),
  );
  const since = "When the oldest resource was made that waits on this node; absent while none does";
  metrics.sampledGauge(
    "stowage_volumes_waiting_since_timestamp_seconds",
    since,
    ["direction"],
    waiting((from) => seconds(from.sinceMs)),
  );
}

function serveOutcomes(metrics: Metrics, read: () => readonly VolumeOutcome[]): void {
  const gauge = (name: string, help: string, value: Value<VolumeOutcome>): void =>
    metrics.sampledGauge(`stowage_volume_${name}`, help, [...volumeLabels, "claim"], () =>
      read().flatMap((from) => samplesOf(value(from), { ...labelsOf(from), claim: from.claim })),
    );
  const of = "of a volume of a pod on this node";
  gauge("backup_last_success_timestamp_seconds", `When the last backup ${of} was completed`, ({ backup }) =>
    seconds(backup.successMs),
  );
  gauge("backup_last_failure_timestamp_seconds", `When a backup ${of} last failed`, ({ backup }) =>
    seconds(backup.failureMs),
  );
  gauge("restore_last_success_timestamp_seconds", `When the last restore ${of} was completed`, ({ restore }) =>
    seconds(restore.successMs),
  );
  gauge("restore_last_failure_timestamp_seconds", `When a restore ${of} last failed`, ({ restore }) =>
    seconds(restore.failureMs),
  );
  const figure = (name: string, help: string, key: keyof NonNullable<VolumeOutcome["backup"]["figures"]>): void =>
    gauge(`backup_last_${name}`, help, ({ backup }) => backup.figures?.[key]);
  figure("duration_seconds", "Time that the last completed backup took", "seconds");
  figure("size_bytes", "Bytes of all files in the last completed backup", "sizeBytes");
  figure("read_bytes", "Bytes that the last completed backup read", "readBytes");
  figure("new_bytes", "Bytes in the last completed backup that were new in the repository", "newBytes");
  figure("stored_bytes", "Bytes that the last completed backup stored, compressed and encrypted", "storedBytes");
  figure("files", "Files in the last completed backup", "files");
}

function serveRunning(metrics: Metrics, read: () => readonly RunningVolume[]): void {
  const gauge = (name: string, help: string, value: Value<RunningVolume>): void =>
    metrics.sampledGauge(`stowage_volume_running_${name}`, help, ["direction", ...volumeLabels], () =>
      read().flatMap((from) => samplesOf(value(from), { direction: from.direction, ...labelsOf(from) })),
    );
  gauge("since_timestamp_seconds", "When the transfer that runs was begun", ({ startMs }) => seconds(startMs));
  gauge("progress_timestamp_seconds", "When the transfer that runs last came forward", ({ progressMs }) =>
    seconds(progressMs),
  );
  gauge("done_bytes", "Bytes that the transfer has behind it", ({ bytesDone }) => bytesDone);
  gauge("total_bytes", "Bytes that the transfer will come to, as far as it is known", ({ totalBytes }) => totalBytes);
}

export interface EngineSources {
  /** Bytes on their way between files, threads and stores, and how many there may be. */
  readonly memory: () => { readonly usedBytes: number; readonly limitBytes: number };
  /** Milliseconds of the longest at the moment; 0 for none. */
  readonly lockWaitMs: () => number;
  readonly lockHeldMs: () => number;
}

export function serveEngine(metrics: Metrics, { memory, lockWaitMs, lockHeldMs }: EngineSources): void {
  const gauge = (name: string, help: string, value: () => number): void =>
    metrics.sampledGauge(`stowage_${name}`, help, [], () => [{ value: value() }]);
  gauge(
    "inflight_bytes",
    "Bytes that are read, sealed or fetched and not yet stored or written",
    () => memory().usedBytes,
  );
  gauge(
    "inflight_limit_bytes",
    "Bytes that may be in flight in the threads that run; 0 when none do",
    () => memory().limitBytes,
  );
  gauge(
    "lock_wait_seconds",
    "How long a volume has waited for another program's lock; 0 when none waits",
    () => lockWaitMs() / 1000,
  );
  gauge(
    "lock_held_seconds",
    "How long this agent has kept its oldest lock; 0 when it has none",
    () => lockHeldMs() / 1000,
  );
}

function labelsOf({ namespace, pod, volume }: Pick<VolumeOutcome, "namespace" | "pod" | "volume">) {
  return { volume_namespace: namespace, volume_pod: pod, volume };
}

/** A number that is not known is no series. */
function samplesOf(value: number | undefined, labels: Readonly<Record<string, string>>): Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
