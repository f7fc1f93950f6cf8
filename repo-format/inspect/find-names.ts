// Looks for entries of a snapshot by name and time.

import { compilePatterns } from "../file-tree/patterns.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { parseTime } from "../format/time.ts";
import type { Repository } from "../repository/repository.ts";
import { type ListedNode, type WalkInOrderOptions, walkInOrder } from "./walk-in-order.ts";

/** Which entries are looked for: any of the patterns, within the span of time. */
export interface NameQuery {
  /** Any of restic's patterns: a name ("*.yml"), some components ("etc/*.conf"), or a path from the root. */
  readonly patterns: readonly string[];
  readonly ignoreCase?: boolean | undefined;
  /** Modified at or after this instant, ns since the epoch. */
  readonly oldestNs?: bigint | undefined;
  /** Modified at or before this instant. */
  readonly newestNs?: bigint | undefined;
}

type FindOptions = Pick<WalkInOrderOptions, "signal" | "onError">;

/**
 * The entries below a tree that the query names, each directory before its children. The index must be loaded.
 * @throws RepositoryError "pattern-malformed", and for directories that cannot be read unless `onError` takes them.
 */
export async function* findNames(
  repo: Repository,
  treeId: BlobId,
  query: NameQuery,
  options: FindOptions = {},
): AsyncGenerator<ListedNode, void, undefined> {
  const isForAll = query.patterns.includes("");
  // Here nothing can be taken back, so a "!" in front says nothing, as in restic.
  const lines = query.patterns.map((pattern) => pattern.replace(/^!/, ""));
  const patterns = compilePatterns(lines, { insensitive: query.ignoreCase === true });
  const judge: WalkInOrderOptions["judge"] = (node, path) => {
    const { matched, childMayMatch } = patterns.match(path.toString("latin1"));
    const isListed = (isForAll || matched) && isInTime(node, query);
    return { isListed, descends: isForAll || childMayMatch || isListed };
  };
  yield* walkInOrder(repo, treeId, { judge, ...options });
}

function isInTime(node: Node, { oldestNs, newestNs }: NameQuery): boolean {
  if (oldestNs === undefined && newestNs === undefined) return true;
  const { unixNs } = parseTime(node.mtime);
  return (oldestNs === undefined || unixNs >= oldestNs) && (newestNs === undefined || unixNs <= newestNs);
}
