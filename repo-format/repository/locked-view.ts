// What a repository holds, as it was seen under the shared lock that this process has. As long as that lock stands nobody
// deletes anything: what was seen is still there, and only what others have added since is missing. So whoever makes one
// backup after the other under one lock looks at the store every few seconds, not for each of them.
import type { SnapshotId } from "../format/id.ts";
import type { Snapshot } from "../format/snapshot-file.ts";
import type { Repository } from "./repository.ts";
import type { StoredSnapshot } from "./snapshot-files.ts";

/** What a backup has to know of a repository before it begins: a `Repository`, or what is remembered of one. */
export type SeenRepository = Pick<Repository, "snapshots" | "loadSnapshot" | "refreshIndex">;

/**
 * What others add in this time (ms) may be stored twice; it never makes a backup wrong. With three
 * listings and a snapshot to fetch for each of a hundred unchanged volumes one took 70 ms of processor time, without them (and
 * what else the agent no longer asks for) 25 ms.
 */
const believedMs = 2000;
/** In memory one takes 1.5 kB. A repository with more is looked at for each backup. */
const maxSnapshots = 4000;

export interface LockedViewOptions {
  /** Milliseconds that never go back; default: those of the process. */
  readonly monotonicClock?: () => number;
  /** For tests. */
  readonly maxSnapshots?: number;
}

/** Belongs to one shared lock, and ends with it (`viewUnderLock`). */
export class LockedView implements SeenRepository {
  readonly #repo: Repository;
  readonly #clock: () => number;
  readonly #maxSnapshots: number;
  #snapshots = new Map<SnapshotId, Snapshot>();
  #seenMs = Number.NEGATIVE_INFINITY;
  /** Since the last look was begun. */
  #added = new Map<SnapshotId, Snapshot>();
  #isOutdated = false;
  #isTooLarge = false;
  #last: Promise<void> = Promise.resolve();

  constructor(repo: Repository, options: LockedViewOptions = {}) {
    this.#repo = repo;
    this.#clock = options.monotonicClock ?? (() => performance.now());
    this.#maxSnapshots = options.maxSnapshots ?? maxSnapshots;
  }

  /** As `Repository.snapshots`; the index then has every blob of what is yielded. */
  async *snapshots(signal?: AbortSignal): AsyncGenerator<StoredSnapshot> {
    await this.#look(signal);
    if (this.#isTooLarge) yield* this.#repo.snapshots(signal);
    else for (const [id, snapshot] of this.#snapshots) yield { id, snapshot };
  }

  /** As `Repository.loadSnapshot`. */
  async loadSnapshot(id: SnapshotId, signal?: AbortSignal): Promise<Snapshot> {
    const known = this.#snapshots.get(id);
    if (known !== undefined) return known;
    const snapshot = await this.#repo.loadSnapshot(id, signal);
    // Others have just made it: the index has to know its blobs.
    this.#isOutdated = true;
    return snapshot;
  }

  /** As `Repository.refreshIndex`, unless that was done a moment ago. */
  async refreshIndex(signal?: AbortSignal): Promise<void> {
    await this.#look(signal);
    if (this.#isTooLarge) await this.#repo.refreshIndex(signal);
  }

  /** This process has stored it, its blobs are in the index. */
  add(id: SnapshotId, snapshot: Snapshot): void {
    if (this.#isTooLarge) return;
    this.#snapshots.set(id, snapshot);
    this.#added.set(id, snapshot);
  }

  /** Ids of the snapshots that begin so; undefined when not all of a moment ago are known. */
  idsBeginningWith(prefix: string): readonly SnapshotId[] | undefined {
    if (this.#isTooLarge || !this.#isFresh) return undefined;
    return [...this.#snapshots.keys()].filter((id) => id.startsWith(prefix));
  }

  get #isFresh(): boolean {
    return !this.#isOutdated && this.#clock() - this.#seenMs < believedMs;
  }

  /** One at a time; whoever has waited finds that it was done for him. */
  #look(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isFresh) return Promise.resolve();
    const look = this.#last.then(async () => {
      if (!this.#isFresh) await this.#lookAnew(signal);
    });
    this.#last = look.catch(() => undefined);
    return look;
  }

  /** Snapshots first: every blob of a listed one is in the index by then. */
  async #lookAnew(signal: AbortSignal | undefined): Promise<void> {
    const startMs = this.#clock();
    this.#isOutdated = false;
    this.#added = new Map();
    const found = new Map<SnapshotId, Snapshot>();
    for await (const { id, snapshot } of this.#repo.snapshots(signal)) {
      if (found.size <= this.#maxSnapshots) found.set(id, snapshot);
    }
    this.#isTooLarge = found.size > this.#maxSnapshots;
    this.#snapshots = this.#isTooLarge ? new Map() : new Map([...found, ...this.#added]);
    if (!this.#isTooLarge) await this.#repo.refreshIndex(signal);
    this.#seenMs = startMs;
  }
}
