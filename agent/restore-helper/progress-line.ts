// What the restore-helper prints while it waits: one line per volume whenever its numbers have moved.

import type { MarkerProgress } from "../data-path/marker-names.ts";

export interface WaitingVolume {
  readonly progress: MarkerProgress | undefined;
  /** Why the marker could not even be looked for. */
  readonly trouble: string | undefined;
}

interface Shown {
  readonly text: string;
  readonly atMs: number;
}

interface Sample {
  readonly bytes: number;
  readonly atMs: number;
}

/** An unchanged line is repeated after this time, so that the log shows that the helper lives. */
const repeatMs = 60_000;

export class ProgressLine {
  readonly #say: (line: string) => void;
  readonly #shown = new Map<string, Shown>();
  readonly #first = new Map<string, Sample>();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  show(volume: string, state: WaitingVolume, elapsedMs: number): void {
    const text = `${volume}: ${this.#describe(volume, state, elapsedMs)}`;
    const shown = this.#shown.get(volume);
    if (shown?.text === text && elapsedMs - shown.atMs < repeatMs) return;
    this.#shown.set(volume, { text, atMs: elapsedMs });
    this.#say(text);
  }

  #describe(volume: string, state: WaitingVolume, elapsedMs: number): string {
    if (state.trouble !== undefined) return `waiting; ${state.trouble}`;
    if (state.progress === undefined) return "waiting for the agent";
    const { bytesDone, totalBytes } = state.progress;
    const first = this.#first.get(volume) ?? { bytes: bytesDone, atMs: elapsedMs };
    this.#first.set(volume, first);
    const percent = totalBytes > 0 ? `${Math.floor((100 * bytesDone) / totalBytes)} %, ` : "";
    const base = `${percent}${formatBytes(bytesDone)} of ${formatBytes(totalBytes)}`;
    const seconds = (elapsedMs - first.atMs) / 1000;
    const bytesPerSecond = seconds > 0 ? (bytesDone - first.bytes) / seconds : 0;
    if (bytesPerSecond <= 0) return base;
    const remaining = Math.ceil(Math.max(0, totalBytes - bytesDone) / bytesPerSecond);
    return `${base}, ${formatBytes(bytesPerSecond)}/s, ${formatSeconds(remaining)} left`;
  }
}

function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
