// Loads trees ahead of their use: a walk knows which directories come next, and a store answers one request for many trees
// that lie together in the time of one.
import type { BlobId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";

/** A group ends with so many trees, or so many bytes of them; the repository's cache has room for several groups. */
const groupTrees = 64;
const groupBytes: number = 4 * 1024 * 1024;
/** A group is asked for when one of the next few trees is not there. */
const nearTrees = 4;

export type TreeSource = Pick<Repository, "loadTree" | "prefetchTrees" | "index">;

export class TreePrefetch {
  readonly #repo: TreeSource;
  readonly #signal: AbortSignal | undefined;
  /** Read or being read, and not taken yet. */
  readonly #ahead = new Set<BlobId>();
  #group: ReadonlySet<BlobId> = new Set();
  #reading: Promise<void> | undefined;

  constructor(repo: TreeSource, signal: AbortSignal | undefined) {
    this.#repo = repo;
    this.#signal = signal;
  }

  /** @param next trees in the order in which they will be taken; asked only when it is time to read some. */
  expect(next: (count: number) => Iterable<BlobId>): void {
    if (this.#reading !== undefined) return;
    if ([...next(nearTrees)].every((id) => this.#ahead.has(id))) return;
    const group = this.#groupOf(next(groupTrees));
    if (group.size === 0) return;
    for (const id of group) this.#ahead.add(id);
    this.#group = group;
    // Whoever takes a tree that could not be read hears of it.
    this.#reading = this.#repo
      .prefetchTrees(group, this.#signal)
      .catch(() => undefined)
      .finally(() => {
        this.#reading = undefined;
      });
  }

  /** @throws what `loadTree` throws. */
  async take(id: BlobId): Promise<Buffer> {
    this.#ahead.delete(id);
    if (this.#group.has(id)) await this.#reading;
    return await this.#repo.loadTree(id, this.#signal);
  }

  #groupOf(ids: Iterable<BlobId>): Set<BlobId> {
    const group = new Set<BlobId>();
    let bytes = 0;
    for (const id of ids) {
      if (this.#ahead.has(id)) continue;
      const [location] = this.#repo.index.lookup({ type: "tree", id });
      const length = location === undefined ? 0 : Math.max(location.uncompressedLength, location.length);
      // Unknown trees are left to whoever takes them; so are large ones, which gain nothing from company.
      if (length === 0 || length > groupBytes) continue;
      group.add(id);
      bytes += length;
      if (bytes > groupBytes) break;
    }
    return group;
  }
}
