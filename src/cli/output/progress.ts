// Live progress: how often it is shown, in which words, and the remaining time from the rate of the last seconds.
import { formatBytes, formatDuration, formatPercent, formatRate } from "./format-values.ts";
import type { Output } from "./output.ts";
import { TransferRate } from "./transfer-rate.ts";

/** Where a long command that moves files stands. */
export interface ProgressState {
  readonly secondsElapsed: number;
  readonly bytesDone: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  readonly filesDone: number;
  readonly totalFiles: number;
  /** False while the totals still grow: a percentage would only jump back. */
  readonly isTotalKnown: boolean;
  readonly errorCount: number;
  readonly currentFiles: readonly string[];
  /** What is being done, where that is not plain from the command. */
  readonly step?: string;
}

/** Share done of 0 to 1; 0 while the total is unknown. */
export function shareDone(state: Pick<ProgressState, "bytesDone" | "totalBytes">): number {
  return state.totalBytes > 0 ? Math.min(1, state.bytesDone / state.totalBytes) : 0;
}

/** Whole seconds that are left at this rate; undefined while nothing can be said. */
export function secondsRemaining(
  state: Pick<ProgressState, "bytesDone" | "totalBytes">,
  bytesPerSecond: number,
): number | undefined {
  const left = state.totalBytes - state.bytesDone;
  if (state.bytesDone === 0 || left <= 0 || bytesPerSecond <= 0) return undefined;
  return Math.round(left / bytesPerSecond);
}

const shownFiles = 2;

/** The lines that a terminal shows: numbers first, then files that are being worked on. */
export function progressLines(state: ProgressState, bytesPerSecond: number): string[] {
  const { filesDone, totalFiles, bytesDone, totalBytes, isTotalKnown, errorCount } = state;
  const remaining = isTotalKnown ? secondsRemaining(state, bytesPerSecond) : undefined;
  const mark = isTotalKnown ? "" : "+";
  const parts = [
    `[${formatDuration(state.secondsElapsed)}]`,
    isTotalKnown && totalBytes > 0 ? formatPercent(shareDone(state)) : "",
    state.step ?? "",
    totalFiles > 0 ? `${filesDone} / ${totalFiles}${mark} files` : `${filesDone} files`,
    totalBytes > 0 ? `${formatBytes(bytesDone)} / ${formatBytes(totalBytes)}${mark}` : formatBytes(bytesDone),
    bytesPerSecond > 0 ? formatRate(bytesPerSecond) : "",
    remaining === undefined ? "" : `ETA ${formatDuration(remaining)}`,
    errorCount > 0 ? `${errorCount} ${errorCount === 1 ? "error" : "errors"}` : "",
  ];
  return [parts.filter((part) => part !== "").join("  "), ...state.currentFiles.slice(0, shownFiles)];
}

/** Says when the next report is due. */
class Pace {
  readonly #intervalMs: number;
  readonly #clock: () => number;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param framesPerSecond 0: never. */
  constructor(framesPerSecond: number, clock: () => number) {
    this.#intervalMs = framesPerSecond > 0 ? 1000 / framesPerSecond : Number.POSITIVE_INFINITY;
    this.#clock = clock;
  }

  get isNever(): boolean {
    return this.#intervalMs === Number.POSITIVE_INFINITY;
  }

  isDue(): boolean {
    if (this.isNever) return false;
    const now = this.#clock();
    if (now - this.#lastMs < this.#intervalMs) return false;
    this.#lastMs = now;
    return true;
  }
}

const usualFramesPerSecond = 10;

export interface ReporterOptions {
  readonly output: Output;
  /** RESTIC_PROGRESS_FPS; undefined: ten a second for JSON and terminals, nothing otherwise. */
  readonly framesPerSecond: number | undefined;
  readonly clock: () => number;
}

export interface ProgressReporterOptions extends ReporterOptions {
  /** The JSON message for a state, without `message_type`. */
  readonly toMessage: (state: ProgressState, bytesPerSecond: number) => object;
}

/** Takes every update of a backup or a restore and shows as many as are wanted. */
export class ProgressReporter {
  readonly #options: ProgressReporterOptions;
  readonly #pace: Pace;
  readonly #rate = new TransferRate();

  constructor(options: ProgressReporterOptions) {
    this.#options = options;
    const { output, framesPerSecond, clock } = options;
    const isShown = !output.isQuiet && (output.isJson || output.isTerminal);
    this.#pace = new Pace(framesPerSecond ?? (isShown ? usualFramesPerSecond : 0), clock);
  }

  /** False when no update will ever be shown: then nobody needs to count ahead. */
  get isShown(): boolean {
    return !this.#pace.isNever;
  }

  update(state: ProgressState): void {
    if (!this.#pace.isDue()) return;
    const { output, toMessage } = this.#options;
    const { secondsElapsed, bytesDone } = state;
    this.#rate.add(secondsElapsed, bytesDone);
    const rate = this.#rate.perSecond(secondsElapsed, bytesDone);
    if (output.isJson) output.message({ message_type: "status", ...toMessage(state, rate) });
    else if (output.isTerminal) output.status(progressLines(state, rate));
    else output.print(progressLines(state, rate)[0] ?? "");
  }
}

/** Where a command that counts its way through steps stands. */
export interface StepState {
  /** What is counted, such as "snapshots". */
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** The same for check, prune and the like, whose progress restic has no JSON for. */
export class StepReporter {
  readonly #options: ReporterOptions;
  readonly #pace: Pace;
  readonly #startMs: number;
  #step = "";
  #stepMs: number;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const { output, framesPerSecond, clock } = options;
    const isShown = !output.isQuiet && !output.isJson && output.isTerminal;
    this.#pace = new Pace(output.isJson ? 0 : (framesPerSecond ?? (isShown ? usualFramesPerSecond : 0)), clock);
    this.#startMs = clock();
    this.#stepMs = this.#startMs;
  }

  update({ step, done, total }: StepState): void {
    const { output, clock } = this.#options;
    const now = clock();
    if (step !== this.#step) {
      this.#step = step;
      this.#stepMs = now;
    }
    if (!this.#pace.isDue()) return;
    const secondsOfStep = (now - this.#stepMs) / 1000;
    const left = done > 0 && done < total ? Math.round((secondsOfStep / done) * (total - done)) : 0;
    const line = [
      `[${formatDuration((now - this.#startMs) / 1000)}]`,
      total > 0 ? formatPercent(done / total) : "",
      `${step}: ${done} / ${total}`,
      left > 0 ? `ETA ${formatDuration(left)}` : "",
    ];
    const text = line.filter((part) => part !== "").join("  ");
    if (output.isTerminal) output.status([text]);
    else output.print(text);
  }
}
