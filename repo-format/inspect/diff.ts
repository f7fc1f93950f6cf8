// The difference of two trees: both are read side by side, in the order of their names, and directories that are equal
// are not looked into but for what they share. Memory holds the trees on the way down and nothing else.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { BlobHandle } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { isSameContent, isSameNode } from "../format/same-node.ts";
import { iterateTree } from "../format/tree.ts";
import { BlobComparison } from "../repository/blob-comparison.ts";
import { inGroups } from "../repository/in-groups.ts";
import type { Repository } from "../repository/repository.ts";
import { isTreeDamage } from "./walk-in-order.ts";

/** An entry that is not the same on both sides. */
export interface SnapshotChange {
  /** Absolute, raw bytes; a directory's ends with "/". */
  readonly path: Buffer;
  /**
   * restic's letters: "+" added, "-" removed, "M" other content, "T" other type, "U" other metadata; "M?" when the
   * content changed and nothing else did, which no ordinary write does. A type that changed may be followed by "U".
   */
  readonly modifier: string;
}

/** What one side has and the other has not; bytes are those of the blobs before compression. */
export interface DiffCounts {
  readonly files: number;
  readonly dirs: number;
  readonly others: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  readonly bytes: number;
}

/** Sums of a comparison. */
export interface DiffStatistics {
  /** Files on both sides whose content differs. */
  readonly changedFiles: number;
  readonly added: DiffCounts;
  readonly removed: DiffCounts;
}

/** What a comparison tells of, and to whom. */
export interface DiffOptions {
  /** Also tell of entries of which only the metadata differs. */
  readonly metadata?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each change in the order of the paths; awaited. */
  readonly onChange: (change: SnapshotChange) => void | Promise<void>;
  /** Called for what could not be compared, a directory or a blob; without it the first error is thrown. */
  readonly onError?: ((error: RepositoryError) => void) | undefined;
}

/**
 * Compares what is below two trees. The index must be loaded.
 * @throws RepositoryError for a root that cannot be read, "cancelled", and errors of the store.
 */
export async function diff(
  repo: Repository,
  before: BlobId,
  after: BlobId,
  options: DiffOptions,
): Promise<DiffStatistics> {
  return await new TreeDiff(repo, options).run(before, after);
}

/** An entry on one side or on both. */
interface NodePair {
  readonly before: Node | undefined;
  readonly after: Node | undefined;
}

/** Two directories of the same path, or one whose other side is absent. */
interface DirectoryPair {
  readonly before: BlobId | undefined;
  readonly after: BlobId | undefined;
  /** Without a "/" at its end. */
  readonly path: Buffer;
}

/** Subtrees of so many neighbours are fetched together. */
const groupSize = 64;
const slash: Buffer = Buffer.from("/");

class TreeDiff {
  readonly #repo: Repository;
  readonly #options: DiffOptions;
  readonly #blobs: BlobComparison;
  readonly #counts = { before: noCounts(), after: noCounts() };
  #changedFiles = 0;

  constructor(repo: Repository, options: DiffOptions) {
    this.#repo = repo;
    this.#options = options;
    this.#blobs = new BlobComparison(repo, {
      signal: options.signal,
      onError: (error, path) => this.#report(error, path),
    });
  }

  async run(before: BlobId, after: BlobId): Promise<DiffStatistics> {
    this.#blobs.addTree("before", before);
    this.#blobs.addTree("after", after);
    await this.#compare({ before, after, path: Buffer.alloc(0) });
    const blobs = await this.#blobs.finish();
    for (const blob of this.#blobs.missing) this.#report(missingBlob(blob));
    return {
      changedFiles: this.#changedFiles,
      added: { ...this.#counts.after, ...blobs.after },
      removed: { ...this.#counts.before, ...blobs.before },
    };
  }

  async #compare({ before, after, path }: DirectoryPair): Promise<void> {
    const { signal } = this.#options;
    const left = before === undefined ? [] : iterateTree(await this.#repo.loadTree(before, signal));
    const right = after === undefined ? [] : iterateTree(await this.#repo.loadTree(after, signal));
    for (const group of inGroups(mergeByName(left, right), groupSize)) {
      const subtrees = group.flatMap(differingSubtrees);
      if (subtrees.length > 1) await this.#repo.prefetchTrees(subtrees, signal);
      for (const pair of group) {
        throwIfCancelled(signal);
        await this.#visit(pair, path);
      }
    }
  }

  async #visit(pair: NodePair, parent: Buffer): Promise<void> {
    const node = pair.after ?? (pair.before as Node);
    const path = Buffer.concat([parent, slash, node.name]);
    if (pair.before !== undefined) this.#blobs.addNode("before", pair.before);
    if (pair.after !== undefined) this.#blobs.addNode("after", pair.after);
    const modifier = this.#modifierOf(pair);
    if (modifier !== "")
      await this.#options.onChange({ path: node.type === "dir" ? Buffer.concat([path, slash]) : path, modifier });
    await this.#descend(pair, path);
  }

  /** Counts the entry and says how it changed. */
  #modifierOf({ before, after }: NodePair): string {
    if (before === undefined || after === undefined) {
      count(before === undefined ? this.#counts.after : this.#counts.before, before ?? (after as Node));
      return before === undefined ? "+" : "-";
    }
    const typeChange = before.type === after.type ? "" : "T";
    if (before.type === "file" && after.type === "file" && !isSameContent(before, after)) {
      this.#changedFiles++;
      return isSameNode({ ...before, content: undefined }, { ...after, content: undefined }) ? "M?" : "M";
    }
    return this.#options.metadata === true && !isSameNode(before, after) ? `${typeChange}U` : typeChange;
  }

  async #descend({ before, after }: NodePair, path: Buffer): Promise<void> {
    const isPair = before !== undefined && after !== undefined;
    // A directory that became something else, or came about of it, is not looked into: restic does not either.
    if (isPair ? before.type !== "dir" || after.type !== "dir" : (before ?? after)?.type !== "dir") return;
    try {
      const sides = { before: before && subtreeOf(before), after: after && subtreeOf(after), path };
      if (!isPair || sides.before !== sides.after) await this.#compare(sides);
      else await this.#blobs.addCommon(subtreeOf(before), path.toString());
    } catch (error) {
      if (!isTreeDamage(error)) throw error;
      this.#report(error, path.toString());
    }
  }

  #report(error: RepositoryError, path?: string): void {
    if (this.#options.onError === undefined) throw error;
    const { code, details } = error;
    const message = path === undefined ? error.message : `the directory "${path}" cannot be compared: ${error.message}`;
    this.#options.onError(new RepositoryError(code, message, { details, cause: error }));
  }
}

/** Entries of the same name together; an entry without a partner alone. */
function* mergeByName(before: Iterable<Node>, after: Iterable<Node>): Generator<NodePair, void, undefined> {
  const left = before[Symbol.iterator]();
  const right = after[Symbol.iterator]();
  let a = left.next();
  let b = right.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : Buffer.compare(a.value.name, b.value.name);
    yield {
      before: order <= 0 ? (a.value ?? undefined) : undefined,
      after: order >= 0 ? (b.value ?? undefined) : undefined,
    };
    if (order <= 0) a = left.next();
    if (order >= 0) b = right.next();
  }
}

/** The trees that will be read next. */
function differingSubtrees({ before, after }: NodePair): BlobId[] {
  if (before?.subtree === after?.subtree) return [];
  return [before?.subtree, after?.subtree].filter((id) => id !== undefined);
}

function subtreeOf(node: Node): BlobId {
  if (node.subtree !== undefined) return node.subtree;
  throw new RepositoryError("tree-malformed", "the directory has no subtree");
}

function missingBlob({ type, id }: BlobHandle): RepositoryError {
  const message = `the ${type} blob ${id} is in no index file: its size is unknown and not counted`;
  return new RepositoryError("blob-missing", message, { details: { blob: id, type } });
}

function noCounts(): { files: number; dirs: number; others: number } {
  return { files: 0, dirs: 0, others: 0 };
}

function count(counts: ReturnType<typeof noCounts>, node: Node): void {
  if (node.type === "file") counts.files++;
  else if (node.type === "dir") counts.dirs++;
  else counts.others++;
}
