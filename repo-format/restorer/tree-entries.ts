// The entries of one directory of a snapshot that a restore may touch. A snapshot may come from anybody who has the key:
// names that would lead out of the directory, second entries of one name and links with something below them are refused
// here, before anything else sees them. Decisions depend on the tree's bytes alone, so every pass makes the same.
import { isSafeName, maxPathBytes } from "../file-tree/directory-handle.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import type { Select, Selection } from "./select-entries.ts";

export interface TreeEntry extends Selection {
  readonly node: Node;
  /** Raw bytes of the name, one character each. */
  readonly name: string;
}

export interface EntryOptions {
  /** Path of the directory as the patterns see it, "" for the root. */
  readonly directoryPath: string;
  readonly select: Select;
  /** @param path for patterns and people, latin1. */
  readonly onRefused?: (path: string, reason: string) => void;
}

/**
 * Entries that are selected or may have something selected below them, in the order of the tree; sockets, which only old
 * versions stored, are left out.
 * @throws RepositoryError "tree-malformed" when the iteration reaches a byte that cannot be understood.
 */
export function* treeEntries(tree: Buffer, options: EntryOptions): Generator<TreeEntry, void> {
  const names = new NameGuard(tree);
  for (const node of iterateTree(tree)) {
    const name = node.name.toString("latin1");
    const isRepeated = names.isRepeated(name);
    const path = `${options.directoryPath}/${name}`;
    const reason = refusalOf(node, isRepeated, path);
    if (reason !== undefined) {
      options.onRefused?.(path, reason);
      continue;
    }
    if (node.type === "socket") continue;
    const selection = options.select(path, node.type === "dir");
    if (selection.isSelected || (node.type === "dir" && selection.childMayBeSelected))
      yield { ...selection, node, name };
  }
}

/** All names of a tree, as latin1. */
export function namesInTree(tree: Buffer): Set<string> {
  const names = new Set<string>();
  for (const node of iterateTree(tree)) names.add(node.name.toString("latin1"));
  return names;
}

function refusalOf(node: Node, isRepeated: boolean, path: string): string | undefined {
  if (!isSafeName(node.name)) return "the name does not name an entry of its directory";
  if (isRepeated) return "the directory has this name twice; the second entry was not restored";
  if (node.type !== "dir" && node.subtree !== undefined) return `a ${node.type || "node"} with entries below it`;
  if (path.length > maxPathBytes) return `the path has more than ${maxPathBytes} bytes`;
  return undefined;
}

/** Sees repeated names. In a tree that is in order, which is nearly every one, a look at the name before is enough. */
class NameGuard {
  readonly #tree: Buffer;
  #previous = "";
  #count = 0;
  #seen: Set<string> | undefined;

  constructor(tree: Buffer) {
    this.#tree = tree;
  }

  isRepeated(name: string): boolean {
    const isInOrder = this.#count === 0 || name > this.#previous;
    if (this.#seen === undefined && !isInOrder) this.#seen = this.#firstNames(this.#count);
    this.#previous = name;
    this.#count++;
    if (this.#seen === undefined) return false;
    const isRepeated = this.#seen.has(name);
    this.#seen.add(name);
    return isRepeated;
  }

  #firstNames(count: number): Set<string> {
    const names = new Set<string>();
    if (count === 0) return names;
    let left = count;
    for (const node of iterateTree(this.#tree)) {
      names.add(node.name.toString("latin1"));
      if (--left === 0) break;
    }
    return names;
  }
}
