// The Restores that this process carries out at the moment, so that one that is deleted meanwhile can be stopped.

export class RunningRestores {
  /** By the Restore's uid. */
  readonly #stops = new Map<string, AbortController>();
  /** Uids of Restores that this process has begun. */
  readonly #begun = new Set<string>();
  /** When the runs of a Restore began to fail, one after the other. */
  readonly #failingSinceMs = new Map<string, number>();

  /** Runs the action with a signal that stop() fires; undefined when it was stopped. */
  async run<T>(uid: string, signal: AbortSignal, action: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const stop = new AbortController();
    this.#stops.set(uid, stop);
    try {
      return await action(AbortSignal.any([signal, stop.signal]));
    } catch (error) {
      if (stop.signal.aborted && !signal.aborted) return undefined;
      throw error;
    } finally {
      this.#stops.delete(uid);
    }
  }

  /** Of a Restore that nobody wants any more. */
  stop(uid: string): void {
    this.#stops.get(uid)?.abort(new Error("the Restore was deleted"));
  }

  /** True the first time in this process. */
  begins(uid: string): boolean {
    if (this.#begun.has(uid)) return false;
    this.#begun.add(uid);
    return true;
  }

  /** Notes a failure; gives for how long there have been nothing but failures. */
  failingMs(uid: string, nowMs: number): number {
    const sinceMs = this.#failingSinceMs.get(uid) ?? nowMs;
    this.#failingSinceMs.set(uid, sinceMs);
    return nowMs - sinceMs;
  }

  /** It has ended or is gone. */
  forget(uid: string): void {
    this.#failingSinceMs.delete(uid);
    this.#begun.delete(uid);
  }
}
