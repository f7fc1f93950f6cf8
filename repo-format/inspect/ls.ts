// Lists the contents of a snapshot in the order of the stored trees, one node at a time: memory holds the trees on the
// way down and nothing else.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import { inGroups } from "../repository/in-groups.ts";
import type { Repository } from "../repository/repository.ts";
import { joinPath, splitPath } from "./find-node.ts";

/** An entry of a snapshot with its path. */
export interface ListedNode {
  /** Absolute, raw bytes: "/" and the names down from the tree that was listed. */
  readonly path: Buffer;
  readonly node: Node;
}

export interface LsOptions {
  /**
   * Absolute paths; only they and what lies in them is listed. Without `recursive` a directory that is named here shows
   * its direct children only. Empty: everything.
   */
  readonly dirs?: readonly (Buffer | string)[] | undefined;
  readonly recursive?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The nodes below a tree, each directory before its children.
 * @throws RepositoryError "argument-invalid" for a relative path in `dirs`, "tree-malformed", or what loading throws.
 */
export async function* ls(
  repo: Repository,
  treeId: BlobId,
  options: LsOptions = {},
): AsyncGenerator<ListedNode, void, undefined> {
  const dirs = (options.dirs ?? []).map(absolutePath);
  yield* listTree(repo, { treeId, path: Buffer.alloc(0) }, dirs, options);
}

function absolutePath(path: Buffer | string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes[0] === 0x2f) return joinPath(splitPath(bytes));
  throw new RepositoryError("argument-invalid", `"${bytes.toString()}" must be absolute, beginning with "/"`);
}

async function* listTree(
  repo: Repository,
  directory: { treeId: BlobId; path: Buffer },
  dirs: readonly Buffer[],
  options: LsOptions,
): AsyncGenerator<ListedNode, void, undefined> {
  const nodes = iterateTree(await repo.loadTree(directory.treeId, options.signal));
  for (const group of inGroups(nodes, groupSize)) {
    const entries = group.map((node) => judge(node, directory.path, dirs, options.recursive ?? false));
    const subtrees = entries.filter((entry) => entry.descends).map(({ node }) => node.subtree);
    if (subtrees.length > 1)
      await repo.prefetchTrees(
        subtrees.filter((id) => id !== undefined),
        options.signal,
      );
    for (const { node, path, isListed, descends } of entries) {
      throwIfCancelled(options.signal);
      if (isListed) yield { path, node };
      if (descends) yield* listTree(repo, { treeId: subtreeOf(node, path, directory.treeId), path }, dirs, options);
    }
  }
}

/** Subtrees of so many neighbours are fetched together. */
const groupSize = 64;

function judge(
  node: Node,
  parent: Buffer,
  dirs: readonly Buffer[],
  recursive: boolean,
): ListedNode & { readonly isListed: boolean; readonly descends: boolean } {
  const path = Buffer.concat([parent, Buffer.from("/"), node.name]);
  const isListed = dirs.length === 0 || dirs.some((dir) => isWithin(dir, path));
  const isOnTheWay = dirs.length === 0 || (isListed && recursive) || dirs.some((dir) => isWithin(path, dir));
  return { path, node, isListed, descends: node.type === "dir" && isOnTheWay };
}

function subtreeOf(node: Node, path: Buffer, treeId: BlobId): BlobId {
  if (node.subtree !== undefined) return node.subtree;
  throw new RepositoryError("tree-malformed", `directory "${path.toString()}" has no subtree`, {
    details: { treeId, path: path.toString() },
  });
}

/** True when `path` is `base` or lies below it. */
function isWithin(base: Buffer, path: Buffer): boolean {
  if (base.length === 1) return true;
  if (path.length < base.length || !path.subarray(0, base.length).equals(base)) return false;
  return path.length === base.length || path[base.length] === 0x2f;
}
