// Ends a transfer that takes too long, or in which nothing moves any more: the source hangs, or the store does. It ends as
// a cancelled one does: threads stop, the lock is dropped, no snapshot is written; but the resource gets the reason.

import type { Clock } from "../../src/platform/clock.ts";
import { formatDuration } from "../../src/platform/duration.ts";
import { VolumeError } from "../host-volumes/volume-error.ts";
import type { Progress, TransferControl } from "./data-path-manager.ts";
import { TransferFailure } from "./transfer-failure.ts";

export interface TransferLimits {
  /** Of the whole transfer; Infinity: none. */
  readonly timeoutMs: number;
  /** Without any progress; Infinity: none. */
  readonly stallTimeoutMs: number;
}

/** What else a transfer can say of where it stands. */
export interface Whereabouts {
  /** Grows with files and directories that are done, left out or failed. */
  readonly entries: number;
  /** A file that is being read. */
  readonly current?: string | undefined;
}

export interface WatchedControl extends TransferControl {
  report(progress: Progress, whereabouts?: Whereabouts): void;
  /**
   * From now on something has to move. Waiting for a slot, for a repository or for its lock has limits of its own.
   * @param answers grows while the store serves; of all transfers of the repository.
   */
  moving(answers: () => number): void;
}

export interface WatchOptions {
  readonly direction: "backup" | "restore";
  readonly limits: TransferLimits;
  readonly clock: Clock;
  readonly control: TransferControl;
}

/** Timers take no longer times. */
const maxTimerMs: number = 2 ** 31 - 1;
const maxLookMs = 30_000;
/** Looks at the progress per stall time: it ends that much late at most. */
const looks = 10;
/** What is under way may still be stored, and the lock is dropped: with a store that hangs that takes 90 seconds. */
const patienceMs = 120_000;

/** @throws TransferFailure "timed-out" or "stalled"; what `work` throws */
export async function withinLimits<T>(
  options: WatchOptions,
  work: (control: WatchedControl) => Promise<T>,
): Promise<T> {
  const watch = new TransferWatch(options);
  try {
    return await Promise.race([work(watch), watch.outOfPatience]);
  } catch (error) {
    throw watch.ending ?? error;
  } finally {
    watch.end();
  }
}

class TransferWatch implements WatchedControl {
  readonly signal: AbortSignal;
  readonly #options: WatchOptions;
  readonly #impatience = Promise.withResolvers<never>();
  #cancelPatience = (): void => undefined;
  readonly #end = new AbortController();
  readonly #cancelTimeout: () => void;
  #cancelLook = (): void => undefined;
  #answers: () => number = () => 0;
  #progress: Progress = { bytesDone: 0, totalBytes: 0 };
  #whereabouts: Whereabouts = { entries: 0 };
  #seen = "";
  #movedMs = 0;

  constructor(options: WatchOptions) {
    const { control, limits, clock } = options;
    this.#options = options;
    this.#impatience.promise.catch(() => undefined);
    this.signal = AbortSignal.any([control.signal, this.#end.signal]);
    const timeoutText = (): string => `not done after ${formatDuration(limits.timeoutMs)}, its time-out`;
    this.#cancelTimeout = Number.isFinite(limits.timeoutMs)
      ? clock.after(Math.min(limits.timeoutMs, maxTimerMs), () => this.#give("timed-out", timeoutText()))
      : () => undefined;
  }

  /** Why this has ended the transfer; undefined when it has not. */
  get ending(): unknown {
    return this.#end.signal.aborted ? this.#end.signal.reason : undefined;
  }

  /**
   * Rejects when the transfer does not end although it was asked to: a thread that reads from a disk which does not answer
   * cannot be ended. The resource gets its end and the slot is free; that thread keeps the lock until the disk answers.
   */
  get outOfPatience(): Promise<never> {
    return this.#impatience.promise;
  }

  report(progress: Progress, whereabouts: Whereabouts = { entries: 0 }): void {
    this.#progress = progress;
    this.#whereabouts = whereabouts;
    this.#options.control.report(progress);
  }

  hasNext(): boolean {
    return this.#options.control.hasNext();
  }

  allButStored(): void {
    this.#options.control.allButStored();
  }

  moving(answers: () => number): void {
    if (this.#end.signal.aborted) return;
    this.#cancelLook();
    this.#answers = answers;
    this.#movedMs = this.#options.clock.monotonicMs();
    this.#look();
  }

  end(): void {
    this.#cancelTimeout();
    this.#cancelLook();
    this.#cancelPatience();
  }

  #look(): void {
    const { clock, limits } = this.#options;
    const { stallTimeoutMs } = limits;
    if (!Number.isFinite(stallTimeoutMs)) return;
    const nowMs = clock.monotonicMs();
    const state = this.#state();
    if (state !== this.#seen) this.#movedMs = nowMs;
    this.#seen = state;
    if (nowMs - this.#movedMs >= stallTimeoutMs) {
      this.#give("stalled", `no progress for ${formatDuration(stallTimeoutMs)} ${this.#place()}`);
      return;
    }
    this.#cancelLook = clock.after(Math.min(stallTimeoutMs / looks, maxLookMs), () => this.#look());
  }

  #state(): string {
    const { bytesDone, totalBytes } = this.#progress;
    return [bytesDone, totalBytes, this.#whereabouts.entries, this.#answers()].join();
  }

  #place(): string {
    const { bytesDone, totalBytes } = this.#progress;
    const { current } = this.#whereabouts;
    const file = current === undefined ? "" : `, while ${current} was read`;
    return `(at ${bytesDone} of ${totalBytes} bytes${file})`;
  }

  #give(code: "timed-out" | "stalled", message: string): void {
    this.end();
    const { direction } = this.#options;
    const failure = new TransferFailure(`data path ${direction} failed`, new VolumeError(code, message));
    this.#end.abort(failure);
    this.#cancelPatience = this.#options.clock.after(patienceMs, () => this.#impatience.reject(failure));
  }
}
