// How many tasks all worker threads of a process may have in hand, over all pools: a limit that may change while they work.

/** One task is one file being read or written, or a part of a large one. */
export class TaskGate {
  #limit = Number.POSITIVE_INFINITY;
  #used = 0;
  /** Pools that have tasks and found no room, in the order in which they are asked again. */
  readonly #waiting = new Set<() => void>();

  get used(): number {
    return this.#used;
  }

  get hasRoom(): boolean {
    return this.#used < this.#limit;
  }

  /** Tasks that are in hand stay there. @param limit at least 1; Infinity: none */
  setLimit(limit: number): void {
    this.#limit = Math.max(1, limit);
    this.#wake();
  }

  take(): void {
    this.#used += 1;
  }

  release(): void {
    this.#used -= 1;
    this.#wake();
  }

  /** Calls once when there is room; in turns where several wait. */
  whenRoom(callback: () => void): void {
    this.#waiting.add(callback);
  }

  #wake(): void {
    // Whoever finds no room again puts itself behind the others.
    for (const callback of [...this.#waiting]) {
      if (!this.hasRoom) return;
      this.#waiting.delete(callback);
      callback();
    }
  }
}
