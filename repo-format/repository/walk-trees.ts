// Visits every tree below some roots, each once however many directories share it. Trees are read in groups, one after the
// other, with an explicit stack: depth and size of the file tree cost no call stack.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobHandle, BlobType } from "../format/blob.ts";
import type { BlobId, TreeId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import { BlobSet } from "../index/blob-set.ts";
import type { Repository } from "./repository.ts";

/** A tree on the walk; the path is the first one that led to it. */
export interface WalkedTree {
  readonly id: TreeId;
  readonly parent: WalkedTree | undefined;
  /** Raw bytes; empty for a root. */
  readonly name: Buffer;
}

export interface TreeVisitor {
  /** Called for every node of a tree, in the tree's order. */
  readonly node?: ((node: Node, tree: WalkedTree) => void) | undefined;
  /** Called before the nodes, with the tree's stored bytes. */
  readonly tree?: ((tree: WalkedTree, bytes: Buffer) => void) | undefined;
  /** Called for a tree that cannot be read or decoded; without it the walk ends with the error. */
  readonly error?: ((error: RepositoryError, tree: WalkedTree) => void) | undefined;
}

export interface WalkTreesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Trees that were walked before are not walked again; those of this walk are added. */
  readonly seen?: BlobSet | undefined;
}

/**
 * Trees of a group are asked for together. A walk is in one place at a time, so that what was read along is wanted soon: of
 * 4,700 trees that lie in the order of their ends it reads 1.3 times the bytes in 180 requests, and had read 2.0 to 2.6 times
 * in 310 with five groups under way; with groups of 256 trees 2.2 times, of 64 1.6 times.
 */
const groupSize = 128;
const treeRangeLimits = { maxGapBytes: 256 * 1024, maxRangeBytes: 8 * 1024 * 1024 };

/** The path of a walked tree for people, e.g. "/etc/ssl"; "/" for a root. Bytes that are not UTF-8 show as U+FFFD. */
export function pathOfTree(tree: WalkedTree): string {
  const names: string[] = [];
  for (let at: WalkedTree | undefined = tree; at?.parent !== undefined; at = at.parent)
    names.unshift(at.name.toString());
  return `/${names.join("/")}`;
}

/** The path of an entry of a walked tree, in the same form. */
function pathOfNode(tree: WalkedTree, node: Pick<Node, "name">): string {
  return tree.parent === undefined ? `/${node.name}` : `${pathOfTree(tree)}/${node.name}`;
}

/** @throws RepositoryError "blob-missing", "blob-damaged", "tree-malformed" … unless the visitor takes errors; "cancelled" */
export async function walkTrees(
  repo: Repository,
  roots: Iterable<TreeId>,
  visitor: TreeVisitor,
  options: WalkTreesOptions = {},
): Promise<void> {
  const walk = new TreeWalk(repo, visitor, options);
  for (const id of roots) walk.push({ id, parent: undefined, name: Buffer.alloc(0) });
  await walk.run();
}

class TreeWalk {
  readonly #repo: Repository;
  readonly #visitor: TreeVisitor;
  readonly #signal: AbortSignal | undefined;
  readonly #seen: BlobSet;
  /** Trees that the index does not know cannot be in `#seen`; there are few or the repository is broken. */
  readonly #seenUnknown = new Set<TreeId>();
  readonly #stack: WalkedTree[] = [];

  constructor(repo: Repository, visitor: TreeVisitor, options: WalkTreesOptions) {
    this.#repo = repo;
    this.#visitor = visitor;
    this.#signal = options.signal;
    this.#seen = options.seen ?? new BlobSet(repo.index);
  }

  push(tree: WalkedTree): void {
    const state = this.#seen.add("tree", tree.id);
    if (state === "present" || (state === "unknown" && this.#seenUnknown.has(tree.id))) return;
    if (state === "unknown") this.#seenUnknown.add(tree.id);
    this.#stack.push(tree);
  }

  async run(): Promise<void> {
    while (this.#stack.length > 0) await this.#visitGroup(this.#stack.splice(-groupSize));
  }

  async #visitGroup(group: readonly WalkedTree[]): Promise<void> {
    throwIfCancelled(this.#signal);
    const byId = new Map(group.map((tree) => [tree.id, tree]));
    const handles = group.map(({ id }): BlobHandle => ({ type: "tree", id }));
    const options = { parallel: this.#repo.storage.connections, limits: treeRangeLimits, signal: this.#signal };
    for await (const { handle, plaintext, error } of this.#repo.loadBlobs(handles, options)) {
      const tree = byId.get(handle.id) as WalkedTree;
      if (plaintext === undefined) this.#report(error, tree);
      else this.#visit(tree, plaintext);
    }
  }

  #visit(tree: WalkedTree, bytes: Buffer): void {
    const subtrees: WalkedTree[] = [];
    try {
      this.#visitor.tree?.(tree, bytes);
      for (const node of iterateTree(bytes)) {
        this.#visitor.node?.(node, tree);
        if (node.subtree !== undefined) subtrees.push({ id: node.subtree, parent: tree, name: node.name });
      }
    } catch (error) {
      if (!RepositoryError.is(error, "tree-malformed")) throw error;
      const message = `the tree ${tree.id} (${pathOfTree(tree)}) cannot be read: ${error.message}`;
      this.#report(new RepositoryError("tree-malformed", message, { details: { tree: tree.id }, cause: error }), tree);
    }
    // The first one ends on top: trees come about in the order of their paths.
    for (const subtree of subtrees.reverse()) this.push(subtree);
  }

  #report(error: RepositoryError, tree: WalkedTree): void {
    if (this.#visitor.error === undefined) throw error;
    this.#visitor.error(error, tree);
  }
}

/** A blob that a tree refers to and the index does not know. */
export interface MissingBlob {
  readonly type: BlobType;
  readonly id: BlobId;
  /** Of the first file or directory that needs it. */
  readonly path: string;
}

export interface UsedBlobs {
  /** Blobs that the walked snapshots need, as far as the index knows them. */
  readonly blobs: BlobSet;
  /** The first thousand that it does not know. */
  readonly missing: readonly MissingBlob[];
  readonly missingCount: number;
}

const maxListedMissing = 1000;

/**
 * Walks the trees and collects every blob that they use.
 * @param options `into`: adds to this set, and does not walk the trees that are in it.
 * @throws as `walkTrees`, but for missing trees, which are listed
 */
export async function usedBlobs(
  repo: Repository,
  roots: Iterable<TreeId>,
  options: { readonly signal?: AbortSignal | undefined; readonly into?: BlobSet | undefined } = {},
): Promise<UsedBlobs> {
  const blobs = options.into ?? new BlobSet(repo.index);
  const missing: MissingBlob[] = [];
  let missingCount = 0;
  const addMissing = (blob: MissingBlob): void => {
    missingCount++;
    if (missing.length < maxListedMissing) missing.push(blob);
  };
  const visitor: TreeVisitor = {
    node: (node, tree) => {
      for (const id of node.content ?? []) {
        if (blobs.add("data", id) !== "unknown") continue;
        addMissing({ type: "data", id, path: pathOfNode(tree, node) });
      }
    },
    error: (error, tree) => {
      if (error.code !== "blob-missing") throw error;
      addMissing({ type: "tree", id: tree.id, path: pathOfTree(tree) });
    },
  };
  await walkTrees(repo, roots, visitor, { signal: options.signal, seen: blobs });
  return { blobs, missing, missingCount };
}
