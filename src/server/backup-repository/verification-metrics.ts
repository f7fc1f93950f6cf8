// Numbers about the rolling verification of repositories.
import type { CounterMetric, GaugeMetric, Metrics } from "../../platform/metrics.ts";

export type VerificationResult = "sound" | "damaged" | "failed";

export class VerificationMetrics {
  readonly #parts: CounterMetric;
  readonly #lastVerified: GaugeMetric;
  readonly #damaged: GaugeMetric;

  constructor(metrics: Metrics) {
    const part = "Parts of repositories that were read, by result; failed where the store did not answer";
    this.#parts = metrics.counter("stowage_repository_verification_total", part, ["result"]);
    const last = "When all that a repository holds was last read and found well, in Unix seconds";
    this.#lastVerified = metrics.gauge("stowage_repository_last_verified_timestamp_seconds", last, ["repository"]);
    const damaged = "Snapshots of a repository that cannot be restored whole";
    this.#damaged = metrics.gauge("stowage_repository_damaged_snapshots", damaged, ["repository"]);
  }

  count(result: VerificationResult): void {
    this.#parts.add(1, { result });
  }

  setState(repository: string, state: { readonly lastVerifiedMs: number | undefined; readonly damaged: number }): void {
    if (state.lastVerifiedMs !== undefined) this.#lastVerified.set(state.lastVerifiedMs / 1000, { repository });
    this.#damaged.set(state.damaged, { repository });
  }

  forget(repository: string): void {
    this.#lastVerified.remove({ repository });
    this.#damaged.remove({ repository });
  }
}
