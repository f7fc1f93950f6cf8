// The transfers of this process while they run: since when, how far, and when something has last moved.
import type { Clock } from "../../src/platform/clock.ts";
import { parseTimestamp } from "../../src/platform/clock.ts";
import type { HistogramMetric } from "../../src/platform/metrics.ts";
import type { Progress, TransferControl } from "../data-path/data-path-manager.ts";
import type { VolumeObject, VolumeWork } from "./volume-work.ts";

export interface RunningVolume {
  readonly direction: "backup" | "restore";
  readonly namespace: string;
  readonly pod: string;
  readonly volume: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly progressMs: number;
  readonly bytesDone: number;
  readonly totalBytes: number;
}

export class RunningVolumes {
  readonly #clock: Clock;
  readonly #waitedSeconds: HistogramMetric;
  readonly #running = new Set<RunningVolume>();

  /** @param waitedSeconds is told how long each volume has waited for its beginning. */
  constructor(clock: Clock, waitedSeconds: HistogramMetric) {
    this.#clock = clock;
    this.#waitedSeconds = waitedSeconds;
  }

  list(): readonly RunningVolume[] {
    return [...this.#running];
  }

  /** The same work, seen while it moves a volume. */
  watch<T extends VolumeObject, R>(work: VolumeWork<T, R>): VolumeWork<T, R> {
    const transfer = async (object: T, control: TransferControl): Promise<R> => {
      const volume = this.#begin(work.direction, object);
      const report = (progress: Progress): void => {
        if (progress.bytesDone !== volume.bytesDone) volume.progressMs = this.#clock.now();
        Object.assign(volume, progress);
        control.report(progress);
      };
      try {
        return await work.transfer(object, { ...control, report });
      } finally {
        this.#running.delete(volume);
      }
    };
    return { ...work, transfer };
  }

  #begin(
    direction: RunningVolume["direction"],
    { metadata, spec }: VolumeObject,
  ): { -readonly [K in keyof RunningVolume]: RunningVolume[K] } {
    const nowMs = this.#clock.now();
    const createdMs = parseTimestamp(metadata.creationTimestamp) ?? nowMs;
    this.#waitedSeconds.observe(Math.max(0, nowMs - createdMs) / 1000, { direction });
    const { namespace = "", name: pod = "" } = spec.pod;
    const volume = { direction, namespace, pod, volume: spec.volume, startMs: nowMs, progressMs: nowMs };
    const running = { ...volume, bytesDone: 0, totalBytes: 0 };
    this.#running.add(running);
    return running;
  }
}
