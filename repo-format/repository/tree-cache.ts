// Trees that were read lately, bounded by bytes: a walk of a parent snapshot asks for the same ones again and again.
import type { BlobId } from "../format/id.ts";

const treeCacheBytes: number = 32 * 1024 * 1024;

export class TreeCache {
  readonly #maxBytes: number;
  /** In the order of use, the longest unused first. */
  readonly #trees = new Map<BlobId, Buffer>();
  /**
   * Where the longest unused one is. It is kept, since a Map remembers what was deleted for a while and a new iterator passes
   * all of it: with 60,000 trees that was 6 % of an unchanged backup.
   */
  #byAge: MapIterator<[BlobId, Buffer]>;
  #bytes = 0;

  constructor(maxBytes: number = treeCacheBytes) {
    this.#maxBytes = maxBytes;
    this.#byAge = this.#trees.entries();
  }

  has(id: BlobId): boolean {
    return this.#trees.has(id);
  }

  get(id: BlobId): Buffer | undefined {
    const tree = this.#trees.get(id);
    if (tree === undefined) return undefined;
    this.#trees.delete(id);
    this.#trees.set(id, tree);
    return tree;
  }

  /** A tree of more than a quarter of the room is not kept: it would push out everything else. */
  put(id: BlobId, tree: Buffer): void {
    if (tree.length > this.#maxBytes / 4 || this.#trees.has(id)) return;
    this.#trees.set(id, tree);
    this.#bytes += tree.length;
    while (this.#bytes > this.#maxBytes) this.#forgetOldest();
  }

  /** What was used meanwhile stands at the end, where the iterator comes to it again. */
  #forgetOldest(): void {
    const { value, done } = this.#byAge.next();
    if (done === true) throw new Error("bug: a cache without trees is too large");
    const [id, tree] = value;
    this.#trees.delete(id);
    this.#bytes -= tree.length;
  }
}
