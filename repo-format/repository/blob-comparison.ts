// Which blobs only one of two snapshots needs. A blob in a directory that both share counts for neither, wherever else it
// is; three bits for each blob of the index are all that it takes.
import { type RepositoryError, throwIfCancelled } from "../errors.ts";
import { type BlobHandle, type BlobType, plaintextLength } from "../format/blob.ts";
import type { BlobId, TreeId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { BlobSet } from "../index/blob-set.ts";
import type { Repository } from "./repository.ts";
import { pathOfTree, type WalkedTree, walkTrees } from "./walk-trees.ts";

export type ComparedSide = "before" | "after";

/** Blobs, and the bytes of their plaintext. */
export interface BlobCounts {
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  readonly bytes: number;
}

/** Shared directories are walked so many at a time. */
const rootsPerWalk = 256;

export interface BlobComparisonOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called for a shared tree that cannot be read, with its path. */
  readonly onError: (error: RepositoryError, path: string) => void;
}

export class BlobComparison {
  readonly #repo: Repository;
  readonly #options: BlobComparisonOptions;
  readonly #sides: Record<ComparedSide, BlobSet>;
  readonly #common: BlobSet;
  /** Shared directories that are not walked yet, by id, with their paths. */
  readonly #roots = new Map<TreeId, string>();
  readonly #missing = new Map<string, BlobHandle>();

  /** The index must be loaded and not lose entries meanwhile. */
  constructor(repo: Repository, options: BlobComparisonOptions) {
    this.#repo = repo;
    this.#options = options;
    this.#sides = { before: new BlobSet(repo.index), after: new BlobSet(repo.index) };
    this.#common = new BlobSet(repo.index);
  }

  /** Blobs that the index does not know; they are not counted. */
  get missing(): Iterable<BlobHandle> {
    return this.#missing.values();
  }

  addTree(side: ComparedSide, id: TreeId): void {
    this.#add(this.#sides[side], "tree", id);
  }

  /** What the entry itself leads to: a file's content, a directory's tree; not what is below it. */
  addNode(side: ComparedSide, node: Pick<Node, "type" | "content" | "subtree">): void {
    if (node.type === "file") for (const id of node.content ?? []) this.#add(this.#sides[side], "data", id);
    if (node.type === "dir" && node.subtree !== undefined) this.#add(this.#sides[side], "tree", node.subtree);
  }

  /** A directory that both sides have, with all that is below it. */
  async addCommon(id: TreeId, path: string): Promise<void> {
    this.#roots.set(id, path);
    if (this.#roots.size >= rootsPerWalk) await this.#walkCommon();
  }

  /** What each side needs and the other does not; ends the comparison. */
  async finish(): Promise<Readonly<Record<ComparedSide, BlobCounts>>> {
    await this.#walkCommon();
    const { before, after } = this.#sides;
    const counts = { before: noCounts(), after: noCounts() };
    this.#repo.index.table.forEach((position, segment, index) => {
      const isBefore = before.hasPosition(position);
      if (isBefore === after.hasPosition(position) || this.#common.hasPosition(position)) return;
      const blob = segment.entryAt(index);
      const side = isBefore ? counts.before : counts.after;
      side[blob.isTree ? "treeBlobs" : "dataBlobs"]++;
      side.bytes += plaintextLength(blob);
    });
    return counts;
  }

  async #walkCommon(): Promise<void> {
    const { signal, onError } = this.#options;
    throwIfCancelled(signal);
    const visitor = {
      node: (node: Node): void => {
        for (const id of node.content ?? []) this.#add(this.#common, "data", id);
      },
      error: (error: RepositoryError, tree: WalkedTree): void => onError(error, this.#pathOf(tree)),
    };
    await walkTrees(this.#repo, this.#roots.keys(), visitor, { seen: this.#common, signal });
    this.#roots.clear();
  }

  #pathOf(tree: WalkedTree): string {
    let root = tree;
    while (root.parent !== undefined) root = root.parent;
    const path = this.#roots.get(root.id) ?? "";
    return root === tree ? path : path + pathOfTree(tree);
  }

  #add(blobs: BlobSet, type: BlobType, id: BlobId): void {
    if (blobs.add(type, id) === "unknown") this.#missing.set(`${type} ${id}`, { type, id });
  }
}

function noCounts(): { dataBlobs: number; treeBlobs: number; bytes: number } {
  return { dataBlobs: 0, treeBlobs: 0, bytes: 0 };
}
