// The entries below a tree in the order of the stored trees, each directory before its children, without recursion: memory
// holds the trees on the way down and nothing else, and depth costs no call stack.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import { inGroups } from "../repository/in-groups.ts";
import type { Repository } from "../repository/repository.ts";

/** An entry of a snapshot with its path. */
export interface ListedNode {
  /** Absolute, raw bytes: "/" and the names down from the tree that was listed. */
  readonly path: Buffer;
  readonly node: Node;
}

export interface WalkedNode extends ListedNode {
  /** The tree that has the entry. */
  readonly treeId: BlobId;
}

/** What is to be done with an entry. */
interface Judgement {
  readonly isListed: boolean;
  /** For directories only. */
  readonly descends: boolean;
}

export interface WalkInOrderOptions {
  readonly judge: (node: Node, path: Buffer) => Judgement;
  readonly signal?: AbortSignal | undefined;
  /** Called for a directory that cannot be read, which is then passed over; without it the walk ends with the error. */
  readonly onError?: ((error: RepositoryError, path: Buffer) => void) | undefined;
}

/** Subtrees of so many neighbours are fetched together. */
const groupSize = 64;
const slash: Buffer = Buffer.from("/");

/** What is wrong with a stored tree, so that the walk can go on behind it. */
const damageCodes = ["blob-missing", "blob-damaged", "pack-missing", "pack-damaged", "tree-malformed"] as const;

/** True for errors of a stored tree; a store that does not answer is another matter. */
export function isTreeDamage(error: unknown): error is RepositoryError {
  return damageCodes.some((code) => RepositoryError.is(error, code));
}

type JudgedNode = WalkedNode & Judgement;

/** A directory on the way down. */
interface OpenDirectory {
  readonly treeId: BlobId;
  readonly path: Buffer;
  readonly groups: Iterator<Node[]>;
  entries: readonly JudgedNode[];
  next: number;
}

/** @throws RepositoryError "tree-malformed", or what loading throws, unless `onError` takes it; "cancelled" */
export async function* walkInOrder(
  repo: Repository,
  treeId: BlobId,
  options: WalkInOrderOptions,
): AsyncGenerator<WalkedNode, void, undefined> {
  const walk = new WalkInOrder(repo, options);
  const stack: OpenDirectory[] = [];
  const descend = async (id: () => BlobId, path: Buffer): Promise<void> => {
    const directory = await walk.tryOn(path, async () => await walk.open(id(), path));
    if (directory !== undefined) stack.push(directory);
  };
  await descend(() => treeId, Buffer.alloc(0));
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    throwIfCancelled(options.signal);
    const directory = top;
    const entry = directory.entries[directory.next++];
    if (entry === undefined) {
      const hasMore = await walk.tryOn(directory.path, async () => await walk.fill(directory));
      if (hasMore !== true) stack.pop();
      continue;
    }
    if (entry.isListed) yield entry;
    if (entry.descends) await descend(() => subtreeOf(entry), entry.path);
  }
}

class WalkInOrder {
  readonly #repo: Repository;
  readonly #options: WalkInOrderOptions;

  constructor(repo: Repository, options: WalkInOrderOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  async open(treeId: BlobId, path: Buffer): Promise<OpenDirectory> {
    const bytes = await this.#repo.loadTree(treeId, this.#options.signal);
    return { treeId, path, groups: inGroups(iterateTree(bytes), groupSize), entries: [], next: 0 };
  }

  /** Judges the next entries and asks for the trees that they lead to. @returns false at the end */
  async fill(directory: OpenDirectory): Promise<boolean> {
    const { value: group, done } = directory.groups.next();
    if (done === true) return false;
    directory.entries = group.map((node: Node) => this.#judge(node, directory));
    directory.next = 0;
    const subtrees = directory.entries.filter(({ descends }) => descends).map(({ node }) => node.subtree);
    const known = subtrees.filter((id) => id !== undefined);
    if (known.length > 1) await this.#repo.prefetchTrees(known, this.#options.signal);
    return true;
  }

  /** @returns undefined when the directory is damaged and that was reported */
  async tryOn<T>(path: Buffer, step: () => Promise<T>): Promise<T | undefined> {
    const { onError } = this.#options;
    try {
      return await step();
    } catch (error) {
      if (onError === undefined || !isTreeDamage(error)) throw error;
      onError(error, path.length === 0 ? slash : path);
      return undefined;
    }
  }

  #judge(node: Node, { treeId, path: parent }: OpenDirectory): JudgedNode {
    const path = Buffer.concat([parent, slash, node.name]);
    const { isListed, descends } = this.#options.judge(node, path);
    return { path, node, treeId, isListed, descends: descends && node.type === "dir" };
  }
}

function subtreeOf({ node, path, treeId }: WalkedNode): BlobId {
  if (node.subtree !== undefined) return node.subtree;
  throw new RepositoryError("tree-malformed", `directory "${path.toString()}" has no subtree`, {
    details: { treeId, path: path.toString() },
  });
}
