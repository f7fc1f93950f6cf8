// Lists the contents of a snapshot: all of it, or some directories.

import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { joinPath, splitPath } from "./find-node.ts";
import { type ListedNode, walkInOrder } from "./walk-in-order.ts";

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
  const { recursive = false, signal } = options;
  yield* walkInOrder(repo, treeId, { judge: (_, path) => judge(path, dirs, recursive), signal });
}

function absolutePath(path: Buffer | string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes[0] === 0x2f) return joinPath(splitPath(bytes));
  throw new RepositoryError("argument-invalid", `"${bytes.toString()}" must be absolute, beginning with "/"`);
}

function judge(
  path: Buffer,
  dirs: readonly Buffer[],
  recursive: boolean,
): { readonly isListed: boolean; readonly descends: boolean } {
  const isListed = dirs.length === 0 || dirs.some((dir) => isWithin(dir, path));
  const isOnTheWay = dirs.length === 0 || (isListed && recursive) || dirs.some((dir) => isWithin(path, dir));
  return { isListed, descends: isOnTheWay };
}

/** True when `path` is `base` or lies below it. */
function isWithin(base: Buffer, path: Buffer): boolean {
  if (base.length === 1) return true;
  if (path.length < base.length || !path.subarray(0, base.length).equals(base)) return false;
  return path.length === base.length || path[base.length] === 0x2f;
}
