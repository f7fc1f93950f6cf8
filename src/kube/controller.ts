// Runs a reconciler over a work queue: several at a time, retries by the error's table, logs, counts. A reconciler gets
// a name, looks at the state of the world and does one step; it never logs or retries its own failures.

import type { Backoff } from "../platform/backoff.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { asCodedError, errorFacts } from "../platform/coded-error.ts";
import type { Logger } from "../platform/logger.ts";
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from "../platform/metrics.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ReconcileResult {
  /** Look at it again after this time even if nothing happens. */
  readonly requeueAfterMs?: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a reconciler that has nothing to say simply returns
export type Reconcile = (name: string, signal: AbortSignal) => Promise<ReconcileResult | void>;

export interface ControllerOptions {
  /** In logs and metrics. */
  readonly name: string;
  readonly reconcile: Reconcile;
  /** Names worked on at the same time; 1 when absent. */
  readonly concurrency?: number;
  readonly log: Logger;
  readonly metrics?: ControllerMetrics;
  readonly clock?: Clock;
  readonly backoff?: Backoff;
}

export interface ControllerMetrics {
  readonly reconciles: CounterMetric;
  readonly durationSeconds: HistogramMetric;
  readonly queueLength: GaugeMetric;
}

/** One set for all controllers of a process. */
export function controllerMetrics(metrics: Metrics): ControllerMetrics {
  return {
    reconciles: metrics.counter("stowage_reconcile_total", "Reconciles by result", ["controller", "result"]),
    durationSeconds: metrics.histogram("stowage_reconcile_duration_seconds", "Duration of one reconcile", {
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
      labelNames: ["controller"],
    }),
    queueLength: metrics.gauge("stowage_work_queue_length", "Names that wait to be reconciled", ["controller"]),
  };
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = new WorkQueue({
      clock: this.#clock,
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    });
  }

  enqueue(name: string): void {
    this.#queue.add(name);
    this.#options.metrics?.queueLength.set(this.#queue.length, { controller: this.#options.name });
  }

  enqueueAfter(name: string, delayMs: number): void {
    this.#queue.addAfter(name, delayMs);
  }

  /** Works until the signal fires; resolves when the reconciles under way have returned. */
  async run(signal: AbortSignal): Promise<void> {
    const workers = Array.from({ length: this.#options.concurrency ?? 1 }, () => this.#work(signal));
    await Promise.all(workers);
    this.#queue.close();
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const name = await this.#queue.take(signal);
      if (name === undefined) return;
      this.#options.metrics?.queueLength.set(this.#queue.length, { controller: this.#options.name });
      await this.#reconcileOnce(name, signal);
      this.#queue.done(name);
    }
  }

  async #reconcileOnce(name: string, signal: AbortSignal): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    let result = "success";
    try {
      const wish = await this.#options.reconcile(name, signal);
      this.#queue.forget(name);
      if (wish?.requeueAfterMs !== undefined) this.#queue.addAfter(name, wish.requeueAfterMs);
    } catch (error) {
      result = signal.aborted ? "cancelled" : this.#handleFailure(name, error);
    }
    const controller = this.#options.name;
    this.#options.metrics?.reconciles.add(1, { controller, result });
    this.#options.metrics?.durationSeconds.observe((this.#clock.monotonicMs() - startMs) / 1000, { controller });
  }

  #handleFailure(name: string, error: unknown): string {
    const facts = { controller: this.#options.name, name, ...errorFacts(error) };
    const retry = asCodedError(error)?.retry ?? "backoff";
    if (retry === "never") {
      this.#queue.forget(name);
      this.#options.log.error("reconciling failed, giving up until the object changes", facts);
      return "terminal";
    }
    const delayMs = this.#queue.addAfterFailure(name);
    // To act on a state that has just changed is everyday business.
    const level = retry === "after-refresh" ? "debug" : "warn";
    this.#options.log[level]("reconciling failed, will try again", { ...facts, delaySeconds: delayMs / 1000 });
    return "retry";
  }
}
