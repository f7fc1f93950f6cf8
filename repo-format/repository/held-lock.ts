// A lock that this process holds: refreshed by a new file every five minutes, watched each second by the wall clock. When
// refreshing has failed for too long, writes stop first; then the lock is taken back if its file is still there, or lost.
import { RepositoryError } from "../errors.ts";
import type { LockId } from "../format/id.ts";
import type { AcquiredLock, LockTimings, Sleep } from "./lock-acquire.ts";
import { createLock } from "./lock-files.ts";
import type { Repository } from "./repository.ts";
import type { WriteBarrier } from "./write-gate.ts";

export interface HeldLockOptions extends AcquiredLock {
  readonly exclusive: boolean;
  readonly timings: LockTimings;
  readonly sleep: Sleep;
  /** For what does not end the work: a lock file that may not be deleted. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

export class HeldLock {
  readonly #repo: Repository;
  readonly #options: HeldLockOptions;
  readonly #barrier: WriteBarrier;
  readonly #stop = new AbortController();
  readonly #lost = new AbortController();
  #id: LockId;
  #refreshedMs: number;
  #triedMs: number;
  #refresh: Promise<void> | undefined;
  readonly #watch: Promise<void>;

  constructor(repo: Repository, options: HeldLockOptions) {
    this.#repo = repo;
    this.#options = options;
    this.#id = options.id;
    this.#refreshedMs = repo.options.clock();
    this.#barrier = repo.writeGate.addBarrier({
      isInDoubt: () => this.#isOverdue(),
      confirm: (signal) => this.#confirm(signal),
    });
    this.#triedMs = this.#refreshedMs;
    this.#watch = this.#keepAlive();
  }

  /** Fires when the lock is lost; the reason is the error. */
  get lostSignal(): AbortSignal {
    return this.#lost.signal;
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Stops refreshing and deletes the lock file; also after a cancel, for at most a minute. Never throws. */
  async release(): Promise<void> {
    this.#stop.abort();
    const limit = AbortSignal.timeout(this.#options.timings.releaseMs);
    const ended = Promise.withResolvers<void>();
    limit.addEventListener("abort", () => ended.resolve());
    await Promise.race([Promise.all([this.#watch, this.#refresh]), ended.promise]);
    await this.#removeFile(this.#id, limit);
    this.#barrier.remove();
  }

  async #keepAlive(): Promise<void> {
    const { timings, sleep } = this.#options;
    const { clock } = this.#repo.options;
    while (!this.#stop.signal.aborted && !this.isLost) {
      try {
        await sleep(timings.pollMs, this.#stop.signal);
      } catch {
        // Released: the loop ends.
        return;
      }
      const nowMs = clock();
      if (this.#isOverdue()) await this.#recover();
      else if (nowMs - this.#triedMs >= this.#pauseMs()) this.#startRefresh(nowMs);
    }
  }

  #isOverdue(): boolean {
    return this.#repo.options.clock() - this.#refreshedMs >= this.#options.timings.expiryMs;
  }

  /** After a failure sooner than after a success, so that several tries fit before the lock expires. */
  #pauseMs(): number {
    const { refreshMs } = this.#options.timings;
    return this.#triedMs > this.#refreshedMs ? refreshMs / 5 : refreshMs;
  }

  /** Not awaited by the watch: a store that hangs must not keep it from noticing that time is up. */
  #startRefresh(nowMs: number): void {
    if (this.#refresh !== undefined) return;
    this.#triedMs = nowMs;
    this.#refresh = this.#replaceFile(this.#stop.signal)
      .catch(() => undefined)
      .finally(() => {
        this.#refresh = undefined;
      });
  }

  async #replaceFile(signal: AbortSignal): Promise<void> {
    const createdMs = this.#repo.options.clock();
    const created = await createLock(this.#repo, this.#options.exclusive, signal);
    try {
      await this.#confirm(signal);
      // The store took too long: the old file alone tells whether somebody has taken the lock for stale meanwhile.
      if (this.#isOverdue()) throw new Error("the new file came too late");
    } catch (error) {
      await this.#removeFile(created);
      throw error;
    }
    await this.#adopt(created, createdMs);
  }

  async #adopt(created: LockId, createdMs: number): Promise<void> {
    const old = this.#id;
    this.#id = created;
    this.#refreshedMs = createdMs;
    this.#barrier.thaw();
    await this.#removeFile(old);
  }

  /**
   * Time is up: nothing is written any more. As long as our old file is there nobody has taken the lock for stale, and a
   * new one may take its place; it must still be there after the new one is seen by all.
   */
  async #recover(): Promise<void> {
    this.#barrier.freeze();
    const { timings } = this.#options;
    try {
      await this.#takeBack(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timings.recoverMs)]));
    } catch (cause) {
      if (!this.#stop.signal.aborted) this.#lose(cause);
    }
  }

  async #takeBack(signal: AbortSignal): Promise<void> {
    const { timings, sleep, exclusive } = this.#options;
    const old = this.#id;
    if (!(await this.#exists(old, signal))) throw new Error("its file was removed by another process");
    const createdMs = this.#repo.options.clock();
    const created = await createLock(this.#repo, exclusive, signal);
    try {
      await sleep(timings.settleMs, signal);
      if (!(await this.#exists(old, signal))) throw new Error("its file was removed by another process meanwhile");
    } catch (error) {
      await this.#removeFile(created);
      throw error;
    }
    await this.#adopt(created, createdMs);
  }

  /** Somebody may have removed the lock by force, and data that no snapshot names with it: then no snapshot may name it. */
  async #confirm(signal: AbortSignal | undefined): Promise<void> {
    for (let asked: LockId | undefined; asked !== this.#id; ) {
      // A refresh may put another file in its place while the files are listed.
      asked = this.#id;
      if (await this.#exists(asked, signal)) return;
    }
    this.#lose(new Error("its file was removed by another process"));
    throw this.#lost.signal.reason;
  }

  async #exists(wanted: LockId, signal: AbortSignal | undefined): Promise<boolean> {
    for await (const { id } of this.#repo.list("lock", signal)) if (id === wanted) return true;
    return false;
  }

  #lose(cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new RepositoryError("lock-lost", `failed to refresh the lock in time: ${reason}`, {
      details: { lock: this.#id },
      cause,
    });
    this.#barrier.fail(error);
    this.#lost.abort(error);
  }

  /** A store that forbids deleting (object lock, append-only rights) leaves the file: it is stale in half an hour. */
  async #removeFile(id: LockId, limit?: AbortSignal): Promise<void> {
    try {
      await this.#repo.remove("lock", id, limit ?? AbortSignal.timeout(this.#options.timings.releaseMs));
    } catch (error) {
      this.#options.onWarning?.(`the lock file ${id} could not be removed: ${(error as Error).message}`);
    }
  }
}
