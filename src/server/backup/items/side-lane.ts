// Work that may take hours goes beside the main road, some of it at a time; the rest waits there without holding up anybody.

export class SideLane {
  readonly #atOnce: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(atOnce: number) {
    this.#atOnce = Math.max(1, atOnce);
  }

  /** After a failure nothing more is begun. */
  add(task: () => Promise<void>): void {
    this.#waiting.push(task);
    this.#fill();
  }

  /** @throws the first failure */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** When all is done, or after a failure all that had begun. @throws the first failure */
  async end(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.throwIfFailed();
  }

  /** Forgets what has not begun and waits for what has. */
  async cancel(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #fill(): void {
    while (this.#running.size < this.#atOnce) {
      const task = this.#failure === undefined ? this.#waiting.shift() : undefined;
      if (task === undefined) return;
      const run = this.#run(task).then(() => {
        this.#running.delete(run);
        this.#fill();
      });
      this.#running.add(run);
    }
  }

  async #run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#failure ??= { error };
    }
  }
}
