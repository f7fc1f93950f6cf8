// The parent snapshot's trees, walked in step with the directories: one node at a time, in the order of raw names. What is
// going to be needed next is asked for early, so that a store far away does not stop the walk at every directory.
import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import type { Repository } from "../repository/repository.ts";

/** Nodes decoded ahead of the walk, to learn which subtrees come next. */
const nodesAhead = 64;
/** Subtrees asked for ahead of the walk, and the largest that is worth it. */
const treesAhead = 16;
const largestAheadBytes: number = 1024 * 1024;

interface AheadNode {
  /** One character per byte. */
  readonly name: string;
  readonly node: Node;
}

/** Where one directory's parent tree is being read. */
export class ParentTree {
  readonly #trees: ParentTrees;
  readonly #nodes: Generator<Node, void, undefined>;
  #ahead: AheadNode[] = [];
  #next = 0;
  /** Nodes of `#ahead` whose subtrees were asked for. */
  #asked = 0;
  #isAtEnd = false;

  constructor(trees: ParentTrees, bytes: Uint8Array) {
    this.#trees = trees;
    this.#nodes = iterateTree(bytes);
  }

  /**
   * The node of this name, if there is one. Names must be asked for in ascending order.
   * @param name one character per byte.
   * @throws RepositoryError "tree-malformed" when the tree cannot be read any further.
   */
  find(name: string): Node | undefined {
    for (;;) {
      const entry = this.#ahead[this.#next] ?? this.#refill();
      if (entry === undefined || entry.name > name) return undefined;
      this.#next++;
      if (entry.name === name) {
        this.#askAhead();
        return entry.node;
      }
      this.#trees.skip(entry.node.subtree);
    }
  }

  /** The rest will not be asked for. */
  close(): void {
    for (const { node } of this.#ahead.slice(this.#next)) this.#trees.skip(node.subtree);
    this.#ahead = [];
    this.#next = 0;
    this.#isAtEnd = true;
  }

  #refill(): AheadNode | undefined {
    this.#ahead = [];
    this.#next = 0;
    this.#asked = 0;
    while (!this.#isAtEnd && this.#ahead.length < nodesAhead) {
      const { value: node, done } = this.#nodes.next();
      if (done === true || node === undefined) this.#isAtEnd = true;
      else this.#ahead.push({ name: node.name.toString("latin1"), node });
    }
    return this.#ahead[0];
  }

  #askAhead(): void {
    this.#asked = Math.max(this.#asked, this.#next - 1);
    while (this.#asked < this.#ahead.length) {
      const node = this.#ahead[this.#asked]?.node;
      if (node?.subtree !== undefined && !this.#trees.loadAhead(node.subtree)) return;
      this.#asked++;
    }
  }
}

/** Loads the parent's trees. */
export class ParentTrees {
  readonly #repo: Pick<Repository, "loadTree" | "index">;
  readonly #signal: AbortSignal | undefined;
  readonly #ahead = new Map<BlobId, Promise<Buffer>>();

  constructor(repo: Pick<Repository, "loadTree" | "index">, signal?: AbortSignal) {
    this.#repo = repo;
    this.#signal = signal;
  }

  /** @throws RepositoryError "blob-missing", "blob-damaged", "pack-missing" and the errors of the store. */
  async open(id: BlobId): Promise<ParentTree> {
    const loading = this.#ahead.get(id) ?? this.#repo.loadTree(id, this.#signal);
    this.#ahead.delete(id);
    return new ParentTree(this, await loading);
  }

  /** Begins to load a tree that will be opened soon. @returns false when enough is under way already. */
  loadAhead(id: BlobId): boolean {
    if (this.#ahead.has(id)) return true;
    if (this.#ahead.size >= treesAhead) return false;
    const [location] = this.#repo.index.lookup({ type: "tree", id });
    if (location === undefined || Math.max(location.length, location.uncompressedLength) > largestAheadBytes)
      return true;
    const loading = this.#repo.loadTree(id, this.#signal);
    // A failure is reported to whoever opens the tree; if nobody does, it did not matter.
    loading.catch(() => {});
    this.#ahead.set(id, loading);
    return true;
  }

  /** A tree that was asked for is not going to be opened. */
  skip(id: BlobId | undefined): void {
    if (id !== undefined) this.#ahead.delete(id);
  }
}

/** True for what is wrong with the parent's own data: the walk goes on without it. Other errors end the backup. */
export function isDamagedParent(error: unknown): error is RepositoryError {
  const codes = ["blob-missing", "blob-damaged", "pack-missing", "pack-damaged", "tree-malformed"] as const;
  return codes.some((code) => RepositoryError.is(error, code));
}
