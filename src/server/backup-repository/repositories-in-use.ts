// Pruning and verifying one repository at the same time would keep each other waiting for its lock: who comes second does
// something else first.

export class RepositoriesInUse {
  readonly #keys = new Set<string>();

  /** @returns undefined, without a try, while the repository is in use. */
  async use<T>(key: string, work: () => Promise<T>): Promise<{ readonly result: T } | undefined> {
    if (this.#keys.has(key)) return undefined;
    this.#keys.add(key);
    try {
      return { result: await work() };
    } finally {
      this.#keys.delete(key);
    }
  }
}
