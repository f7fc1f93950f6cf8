// Since when repositories are locked. A lock file tells only when it was last refreshed, so who holds a lock is remembered
// from look to look; what stood already when this process began counts from the refresh that was found first.
import type { Metrics, Sample } from "../../platform/metrics.ts";
import type { LockState } from "./repository-care.ts";

export class LockMetrics {
  /** By repository and owner: since when, and whether exclusively. */
  readonly #known = new Map<string, ReadonlyMap<string, { readonly sinceMs: number; readonly exclusive: boolean }>>();

  constructor(metrics: Metrics) {
    const help = "Since when a repository is locked by the process that holds it longest, as seen every five minutes";
    metrics.sampledGauge("stowage_repository_locked_since_timestamp_seconds", help, ["repository", "kind"], () =>
      [...this.#known.keys()].flatMap((repository) => [
        ...this.#oldest(repository, "exclusive"),
        ...this.#oldest(repository, "shared"),
      ]),
    );
  }

  /** What stands now; undefined forgets the repository. */
  note(repository: string, locks: readonly LockState[] | undefined): void {
    const before = this.#known.get(repository);
    this.#known.delete(repository);
    if (locks === undefined || locks.length === 0) return;
    const now = locks.map(({ owner, exclusive, refreshedMs }) => {
      const sinceMs = Math.min(before?.get(owner)?.sinceMs ?? refreshedMs, refreshedMs);
      return [owner, { sinceMs, exclusive }] as const;
    });
    this.#known.set(repository, new Map(now));
  }

  #oldest(repository: string, kind: "exclusive" | "shared"): Sample[] {
    const locks = [...(this.#known.get(repository)?.values() ?? [])];
    const times = locks.filter(({ exclusive }) => exclusive === (kind === "exclusive")).map(({ sinceMs }) => sinceMs);
    return times.length === 0 ? [] : [{ labels: { repository, kind }, value: Math.min(...times) / 1000 }];
  }
}
