// Loads trees a little ahead of their use: a walk knows which directories come next, and a store answers many requests in
// the time of one.
import type { BlobId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";

const maxLoads = 8;

export class TreePrefetch {
  readonly #repo: Pick<Repository, "loadTree">;
  readonly #signal: AbortSignal | undefined;
  readonly #loads = new Map<BlobId, Promise<Buffer>>();

  constructor(repo: Pick<Repository, "loadTree">, signal: AbortSignal | undefined) {
    this.#repo = repo;
    this.#signal = signal;
  }

  /** Starts loading those that will be taken next, the next one first. */
  expect(ids: Iterable<BlobId>): void {
    for (const id of ids) {
      if (this.#loads.size >= maxLoads) return;
      if (this.#loads.has(id)) continue;
      const load = this.#repo.loadTree(id, this.#signal);
      // Reported when it is taken.
      load.catch(() => undefined);
      this.#loads.set(id, load);
    }
  }

  take(id: BlobId): Promise<Buffer> {
    const load = this.#loads.get(id);
    if (load === undefined) return this.#repo.loadTree(id, this.#signal);
    this.#loads.delete(id);
    return load;
  }
}
