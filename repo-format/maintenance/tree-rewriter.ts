// Leaves entries out of the trees of a snapshot. A tree of which nothing is left out stays the blob that it is; one that
// changes is encoded anew, and refused when that would lose something that another program has stored in it.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { TreeId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { encodeTree, iterateTree, TreeEncoder } from "../format/tree.ts";
import { inGroups } from "../repository/in-groups.ts";
import type { Repository } from "../repository/repository.ts";

/** What is kept; paths are absolute, one character per byte. */
export interface RewriteRules {
  readonly keeps: (path: string, isDirectory: boolean) => boolean;
  /** Whether a directory in which nothing is left is kept itself. */
  readonly keepsEmpty: (path: string) => boolean;
}

export interface TreeRewriterOptions {
  readonly rules: RewriteRules;
  /** Stores a new tree. */
  readonly save: (tree: Buffer) => Promise<TreeId>;
  readonly signal?: AbortSignal | undefined;
  /** Called for each entry that is left out; not for what is below it. */
  readonly onLeftOut?: ((path: Buffer) => void) | undefined;
}

/** Subtrees of so many neighbours are fetched together. */
const groupSize = 64;

export class TreeRewriter {
  readonly #repo: Repository;
  readonly #options: TreeRewriterOptions;
  #files = 0;
  #bytes = 0;

  constructor(repo: Repository, options: TreeRewriterOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  /** Files that were kept so far, and their bytes. */
  get kept(): { readonly files: number; readonly bytes: number } {
    return { files: this.#files, bytes: this.#bytes };
  }

  /**
   * Memory holds the trees on the way down and nothing else.
   * @returns the tree's new id, or the old one when nothing changed; undefined when nothing of it is kept.
   * @throws RepositoryError "tree-malformed" for a tree that cannot be encoded without loss, or what loading throws.
   */
  async rewrite(treeId: TreeId, path: string = ""): Promise<TreeId | undefined> {
    const { signal, rules, save } = this.#options;
    const bytes = await this.#repo.loadTree(treeId, signal);
    let encoder: TreeEncoder | undefined;
    let seen = 0;
    let kept = 0;
    for (const group of inGroups(iterateTree(bytes), groupSize)) {
      const nodes = group.map((node) => (this.#keeps(node, path) ? node : undefined));
      await this.#prefetch(nodes);
      for (const [index, node] of nodes.entries()) {
        throwIfCancelled(signal);
        const replacement = node === undefined ? undefined : await this.#rewriteNode(node, path);
        // Up to the first change nothing is encoded: most trees have none.
        if (replacement !== group[index]) encoder ??= beginLike(bytes, seen, path);
        if (replacement !== undefined) {
          encoder?.add(replacement);
          kept++;
        }
        seen++;
      }
    }
    if (kept === 0 && !rules.keepsEmpty(path === "" ? "/" : path)) return undefined;
    return encoder === undefined ? treeId : await save(encoder.finish());
  }

  /** @returns the node itself when nothing below it changed; undefined when it is left out. */
  async #rewriteNode(node: Node, parent: string): Promise<Node | undefined> {
    if (node.type === "file") {
      this.#files++;
      this.#bytes += node.size;
    }
    if (node.type !== "dir") return node;
    const path = pathOf(node, parent);
    if (node.subtree === undefined) throw malformed(path, "has no subtree");
    const subtree = await this.rewrite(node.subtree, path);
    if (subtree === node.subtree) return node;
    if (subtree !== undefined) return { ...node, subtree };
    this.#options.onLeftOut?.(Buffer.from(path, "latin1"));
    return undefined;
  }

  #keeps(node: Node, parent: string): boolean {
    const path = pathOf(node, parent);
    if (this.#options.rules.keeps(path, node.type === "dir")) return true;
    this.#options.onLeftOut?.(Buffer.from(path, "latin1"));
    return false;
  }

  async #prefetch(nodes: readonly (Node | undefined)[]): Promise<void> {
    const subtrees = nodes.map((node) => (node?.type === "dir" ? node.subtree : undefined));
    const known = subtrees.filter((id) => id !== undefined);
    if (known.length > 1) await this.#repo.prefetchTrees(known, this.#options.signal);
  }
}

/** An encoder that has the first nodes of the tree already. */
function beginLike(bytes: Buffer, count: number, path: string): TreeEncoder {
  if (!isReproducible(bytes)) throw malformed(path, "holds what would be lost if it was written again");
  const encoder = new TreeEncoder();
  let added = 0;
  for (const node of iterateTree(bytes)) {
    if (added++ === count) break;
    encoder.add(node);
  }
  return encoder;
}

function isReproducible(bytes: Buffer): boolean {
  try {
    return encodeTree(iterateTree(bytes)).equals(bytes);
  } catch (error) {
    if (RepositoryError.is(error, "tree-malformed")) return false;
    throw error;
  }
}

function pathOf(node: Node, parent: string): string {
  return `${parent}/${node.name.toString("latin1")}`;
}

function malformed(path: string, what: string): RepositoryError {
  const shown = path === "" ? "/" : Buffer.from(path, "latin1").toString();
  return new RepositoryError("tree-malformed", `the directory "${shown}" ${what}`, { details: { path: shown } });
}
