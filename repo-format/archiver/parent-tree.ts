// The parent snapshot's trees, walked in step with the directories: one node at a time, in the order of raw names.
import { RepositoryError } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { iterateTree } from "../format/tree.ts";
import { type TreeSource, TreesAhead } from "./trees-ahead.ts";

/** Where one directory's parent tree is being read. */
export class ParentTree {
  readonly #nodes: Generator<Node, void, undefined>;
  #name = "";
  #node: Node | undefined;

  constructor(bytes: Uint8Array) {
    this.#nodes = iterateTree(bytes);
  }

  /**
   * The node of this name, if there is one. Names must be asked for in ascending order.
   * @param name one character per byte, not empty.
   * @throws RepositoryError "tree-malformed" when the tree cannot be read any further.
   */
  find(name: string): Node | undefined {
    while (this.#name < name) {
      const { value: node, done } = this.#nodes.next();
      if (done === true || node === undefined) return undefined;
      this.#name = node.name.toString("latin1");
      this.#node = node;
    }
    return this.#name === name ? this.#node : undefined;
  }
}

/** Loads the parent's trees. */
export class ParentTrees {
  readonly #ahead: TreesAhead;

  constructor(repo: TreeSource, signal?: AbortSignal) {
    this.#ahead = new TreesAhead(repo, signal);
  }

  /** @throws RepositoryError "blob-missing", "blob-damaged", "pack-missing" and the errors of the store. */
  async open(id: BlobId): Promise<ParentTree> {
    return new ParentTree(await this.#ahead.take(id));
  }
}

/** True for what is wrong with the parent's own data: the walk goes on without it. Other errors end the backup. */
export function isDamagedParent(error: unknown): error is RepositoryError {
  const codes = ["blob-missing", "blob-damaged", "pack-missing", "pack-damaged", "tree-malformed"] as const;
  return codes.some((code) => RepositoryError.is(error, code));
}
