// Live progress: how often it is shown, and the remaining time from the rate so far.
import { formatBytes, formatDuration, formatPercent, formatRate } from "./format-values.ts";
import type { Output } from "./output.ts";

/** Where a long command stands. */
export interface ProgressState {
  readonly secondsElapsed: number;
  readonly bytesDone: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  readonly filesDone: number;
  readonly totalFiles: number;
  readonly errorCount: number;
  readonly currentFiles: readonly string[];
}

/** Share done of 0 to 1; 0 while the total is unknown. */
export function shareDone(state: Pick<ProgressState, "bytesDone" | "totalBytes">): number {
  return state.totalBytes > 0 ? Math.min(1, state.bytesDone / state.totalBytes) : 0;
}

/** Seconds that are left at the rate so far; undefined while nothing can be said. */
export function secondsRemaining(
  state: Pick<ProgressState, "bytesDone" | "totalBytes" | "secondsElapsed">,
): number | undefined {
  const share = shareDone(state);
  if (share <= 0 || state.secondsElapsed <= 0) return undefined;
  return Math.round((state.secondsElapsed / share) * (1 - share));
}

/** The two or more lines that a terminal shows. */
export function progressLines(state: ProgressState): string[] {
  const remaining = secondsRemaining(state);
  const rate = state.secondsElapsed > 0 ? formatRate(state.bytesDone / state.secondsElapsed) : "";
  const parts = [
    `[${formatDuration(state.secondsElapsed)}]`,
    formatPercent(shareDone(state)),
    `${state.filesDone} / ${state.totalFiles} files`,
    `${formatBytes(state.bytesDone)} / ${formatBytes(state.totalBytes)}`,
    rate,
    remaining === undefined ? "" : `ETA ${formatDuration(remaining)}`,
    state.errorCount > 0 ? `${state.errorCount} errors` : "",
  ];
  return [parts.filter((part) => part !== "").join("  "), ...state.currentFiles.slice(0, 2)];
}

export interface ProgressReporterOptions {
  readonly output: Output;
  /** RESTIC_PROGRESS_FPS; undefined: ten a second for JSON and terminals, nothing otherwise. */
  readonly framesPerSecond: number | undefined;
  readonly clock: () => number;
  /** The JSON message for a state, without `message_type`. */
  readonly toMessage: (state: ProgressState) => object;
}

/** Takes every update and shows as many as are wanted. */
export class ProgressReporter {
  readonly #options: ProgressReporterOptions;
  readonly #intervalMs: number;
  #lastMs = 0;

  constructor(options: ProgressReporterOptions) {
    this.#options = options;
    const { output, framesPerSecond } = options;
    const wanted = framesPerSecond ?? (!output.isQuiet && (output.isJson || output.isTerminal) ? 10 : 0);
    this.#intervalMs = wanted > 0 ? 1000 / wanted : Number.POSITIVE_INFINITY;
  }

  update(state: ProgressState): void {
    const now = this.#options.clock();
    if (now - this.#lastMs < this.#intervalMs) return;
    this.#lastMs = now;
    const { output } = this.#options;
    if (output.isJson) output.message({ message_type: "status", ...this.#options.toMessage(state) });
    else if (output.isTerminal) output.status(progressLines(state));
    else output.print(progressLines(state)[0] ?? "");
  }
}
