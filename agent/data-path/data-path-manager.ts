// The transfers of this process: starts them when a slot is free, reports their progress every ten seconds, cancels them,
// and keeps each result until somebody has written it into the resource.

import type { Clock } from "../../src/platform/clock.ts";
import { errorFacts } from "../../src/platform/coded-error.ts";
import type { Logger } from "../../src/platform/logger.ts";
import type { Slots } from "./slots.ts";

export interface Progress {
  readonly bytesDone: number;
  readonly totalBytes: number;
}

export interface TransferControl {
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  /** Whether another volume waits for this one's slot, or has begun. */
  hasNext(): boolean;
  /** The work is done but for requests to the store: the next volume may begin. */
  allButStored(): void;
}

export interface Transfer<R> {
  readonly uid: string;
  run(control: TransferControl): Promise<R>;
  /** Writes progress into the resource; throws to make the transfer stop (for example when it is no longer ours). */
  saveProgress(progress: Progress): Promise<void>;
}

export type Outcome<R> =
  | { readonly isSuccess: true; readonly result: R }
  | { readonly isSuccess: false; readonly error: unknown };

interface Entry<R> {
  readonly uid: string;
  readonly controller: AbortController;
  readonly settled: Promise<void>;
  outcome: Outcome<R> | undefined;
}

export interface DataPathManagerOptions {
  readonly slots: Slots;
  readonly clock: Clock;
  readonly log: Logger;
  /** The transfer of this name has an outcome now. */
  readonly onSettled: (name: string) => void;
  /** 10 s when absent. */
  readonly progressIntervalMs?: number;
}

/** Thrown by saveProgress: another process has taken the resource over. */
export class ClaimLost extends Error {
  constructor() {
    super("another agent has taken over");
    this.name = "ClaimLost";
  }
}

export class DataPathManager<R> {
  readonly #options: DataPathManagerOptions;
  readonly #entries = new Map<string, Entry<R>>();
  readonly #waiting = new Set<string>();
  /** Names that were told last that a slot may be free, and those that are being claimed: they are about to begin. */
  #woken: ReadonlySet<string> = new Set();
  readonly #claimed = new Set<string>();
  /** Names of those that gave their slot away before their end: as many as there are slots. */
  readonly #ending = new Set<string>();
  #isStopped = false;

  constructor(options: DataPathManagerOptions) {
    this.#options = options;
    options.slots.onFree(() => this.#wakeWaiting());
  }

  /**
   * Reserves a slot, calls `claim`, and only if that succeeds starts the transfer in the background.
   * @returns false when no slot is free; onSettled is called for this name when one may be.
   */
  async start(name: string, claim: () => Promise<Transfer<R>>): Promise<boolean> {
    if (this.#entries.has(name)) throw new Error(`bug: ${name} has a transfer already`);
    const release = this.#isStopped ? undefined : this.#options.slots.tryTake();
    if (release === undefined) {
      this.#waiting.add(name);
      return false;
    }
    this.#waiting.delete(name);
    this.#claimed.add(name);
    let transfer: Transfer<R>;
    try {
      transfer = await claim();
    } catch (error) {
      release();
      throw error;
    } finally {
      this.#claimed.delete(name);
    }
    this.#begin(name, transfer, release);
    return true;
  }

  /** The uid of the object that the transfer was started for, and its outcome once it has one. */
  find(name: string): { readonly uid: string; readonly outcome: Outcome<R> | undefined } | undefined {
    return this.#entries.get(name);
  }

  /** Names of all transfers that were not forgotten. */
  names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Asks the transfer to stop; its outcome is then the error that the engine throws. */
  cancel(name: string, reason: Error): void {
    this.#entries.get(name)?.controller.abort(reason);
    this.#waiting.delete(name);
  }

  /** Call it when the outcome has been dealt with. */
  forget(name: string): void {
    this.#entries.delete(name);
    this.#waiting.delete(name);
  }

  /** Cancels everything, starts nothing more, and waits for the ends; the outcomes stay. */
  async stop(reason: Error): Promise<void> {
    this.#isStopped = true;
    const entries = [...this.#entries.values()];
    for (const entry of entries) entry.controller.abort(reason);
    await Promise.all(entries.map((entry) => entry.settled));
  }

  #begin(name: string, transfer: Transfer<R>, release: () => void): void {
    const controller = new AbortController();
    if (this.#isStopped) controller.abort(new Error("the agent is stopping"));
    const giveAway = (): void => {
      if (this.#ending.size >= this.#options.slots.total) return;
      this.#ending.add(name);
      release();
    };
    const settled = this.#run(transfer, controller, giveAway).then((outcome) => {
      entry.outcome = outcome;
      this.#ending.delete(name);
      release();
      this.#options.onSettled(name);
    });
    const entry: Entry<R> = { uid: transfer.uid, controller, settled, outcome: undefined };
    this.#entries.set(name, entry);
  }

  async #run(transfer: Transfer<R>, controller: AbortController, giveAway: () => void): Promise<Outcome<R>> {
    const progress = this.#pumpProgress(transfer, controller);
    try {
      const result = await transfer.run({
        signal: controller.signal,
        report: progress.report,
        hasNext: () => this.#hasNext(controller),
        allButStored: giveAway,
      });
      return { isSuccess: true, result };
    } catch (error) {
      return { isSuccess: false, error: controller.signal.aborted ? controller.signal.reason : error };
    } finally {
      await progress.stop();
    }
  }

  #hasNext(controller: AbortController): boolean {
    if (this.#isStopped) return false;
    if (this.#waiting.size + this.#claimed.size > 0 || [...this.#woken].some((name) => !this.#entries.has(name)))
      return true;
    return [...this.#entries.values()].some((entry) => entry.outcome === undefined && entry.controller !== controller);
  }

  /** Saves the newest numbers at intervals, one patch at a time, only when they have changed. */
  #pumpProgress(transfer: Transfer<R>, controller: AbortController) {
    const ended = new AbortController();
    let newest: Progress = { bytesDone: 0, totalBytes: 0 };
    const pump = async () => {
      let saved = newest;
      for (;;) {
        await this.#options.clock.sleep(this.#options.progressIntervalMs ?? 10_000, ended.signal);
        if (newest.bytesDone === 0 || newest === saved) continue;
        saved = newest;
        await this.#saveProgress(transfer, newest, controller);
      }
    };
    // The pump ends only by its sleep being aborted.
    const pumping = pump().catch(() => undefined);
    return {
      report: (progress: Progress) => {
        newest = progress;
      },
      stop: () => {
        ended.abort();
        return pumping;
      },
    };
  }

  async #saveProgress(transfer: Transfer<R>, progress: Progress, controller: AbortController): Promise<void> {
    try {
      await transfer.saveProgress(progress);
    } catch (error) {
      if (error instanceof ClaimLost) controller.abort(error);
      // Anything else: the numbers are a courtesy, the next ones may get through.
      else this.#options.log.debug("progress could not be saved", errorFacts(error));
    }
  }

  #wakeWaiting(): void {
    const names = [...this.#waiting];
    this.#waiting.clear();
    this.#woken = new Set(names);
    for (const name of names) this.#options.onSettled(name);
  }
}
