// Follows a path through the trees of a snapshot. Names are raw bytes; nothing is read but the trees on the way.

import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import type { Repository } from "../repository/repository.ts";

const slash = 0x2f;

/** The names of a path; empty parts and "." are dropped, ".." removes the part before it, as in Go's path.Clean. */
export function splitPath(path: Buffer | string): Buffer[] {
  const bytes = typeof path === "string" ? Buffer.from(path) : path;
  const parts: Buffer[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const next = bytes.indexOf(slash, start);
    const end = next === -1 ? bytes.length : next;
    const name = bytes.subarray(start, end);
    const text = name.toString("latin1");
    if (text === "..") parts.pop();
    else if (text !== "" && text !== ".") parts.push(name);
    start = end + 1;
  }
  return parts;
}

/** `parts` as an absolute path. */
export function joinPath(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.length === 0 ? [Buffer.from("/")] : parts.flatMap((part) => [Buffer.from("/"), part]));
}

/**
 * The tree of a subfolder of a snapshot.
 * @param subfolder as in `<id>:<subfolder>`; "" or "/" is the tree itself.
 * @throws RepositoryError "path-missing" when it does not exist or is no directory.
 */
export async function findTree(
  repo: Repository,
  treeId: BlobId,
  subfolder: Buffer | string,
  signal?: AbortSignal,
): Promise<BlobId> {
  let current = treeId;
  const parts = splitPath(subfolder);
  for (let depth = 0; depth < parts.length; depth++) {
    current = subtreeOf(await findInTree(repo, current, parts.slice(0, depth + 1), signal), parts.slice(0, depth + 1));
  }
  return current;
}

/**
 * The node at a path.
 * @throws RepositoryError "path-missing"; also for "/", which has no node.
 */
export async function findNode(
  repo: Repository,
  treeId: BlobId,
  path: Buffer | string,
  signal?: AbortSignal,
): Promise<Node> {
  const parts = splitPath(path);
  const parent = await findTree(repo, treeId, joinPath(parts.slice(0, -1)), signal);
  return await findInTree(repo, parent, parts, signal);
}

function subtreeOf(node: Node, parts: readonly Buffer[]): BlobId {
  if (node.type === "dir" && node.subtree !== undefined) return node.subtree;
  const path = joinPath(parts).toString();
  throw new RepositoryError("path-missing", `"${path}" is a ${node.type || "node without type"}, not a directory`, {
    details: { path },
  });
}

/** Looks for the last of `parts` in the tree; reads the whole tree, for trees of other writers may be unordered. */
async function findInTree(
  repo: Repository,
  treeId: BlobId,
  parts: readonly Buffer[],
  signal: AbortSignal | undefined,
): Promise<Node> {
  const name = parts.at(-1);
  if (name !== undefined) {
    for (const node of iterateTree(await repo.loadTree(treeId, signal))) {
      if (node.name.equals(name)) return node;
    }
  }
  const path = joinPath(parts).toString();
  throw new RepositoryError("path-missing", `"${path}" is not in the snapshot`, { details: { path } });
}
