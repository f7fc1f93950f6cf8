// Runs tasks side by side, a bounded number at a time, and knows when all of them have really ended: descriptors may only be
// closed then.

/** A bounded number of places; whoever has none waits, first come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count 1 or more. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Runs the task when a place is free. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** Tasks that are started one after the other and ended together. */
export class BoundedTasks {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Waits for room and starts the task; does not wait for its end.
   * @throws the first error of any task so far; then nothing is started.
   */
  async start(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit) await Promise.race(this.#running);
    this.#throwFailure();
    const running: Promise<void> = task()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits for the end of all tasks. @throws the first error of any of them. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/**
 * Runs `body` with tasks that have all ended when this resolves or throws.
 * @throws the first error of a task, or else that of the body.
 */
export async function withBoundedTasks(limit: number, body: (tasks: BoundedTasks) => Promise<void>): Promise<void> {
  const tasks = new BoundedTasks(limit);
  try {
    await body(tasks);
  } finally {
    await tasks.settle();
  }
}

/** Waits for all, also when some fail. @throws the first error in their order. */
export async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results: T[] = [];
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === "rejected") throw result.reason;
    results.push(result.value);
  }
  return results;
}
