// Third part of a check: every tree that a snapshot leads to, each decoded once, and that every blob it needs is indexed.

import { plaintextLength } from "../format/blob.ts";
import { quoteNameText } from "../format/go-quote.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { BlobSet } from "../index/blob-set.ts";
import type { Repository } from "../repository/repository.ts";
import { pathOfTree, type TreeVisitor, type WalkedTree, walkTrees } from "../repository/walk-trees.ts";
import type { FindingCode, FindingFacts, FindingLog } from "./check-findings.ts";

const nullId: BlobId = "0".repeat(64) as BlobId;

const knownTypes: ReadonlySet<string> = new Set(["file", "dir", "symlink", "dev", "chardev", "fifo", "socket"]);

export class TreeChecker {
  /** Blobs that the trees checked so far lead to. */
  readonly referenced: BlobSet;
  readonly #repo: Repository;
  readonly #log: FindingLog;
  readonly #visitor: TreeVisitor;
  /** The last tree and name that were looked at, to see disorder: a tree's nodes come one after the other. */
  #current: WalkedTree | undefined;
  #previousName: Buffer | undefined;

  /** The index must be loaded and not lose entries meanwhile. */
  constructor(repo: Repository, log: FindingLog) {
    this.referenced = new BlobSet(repo.index);
    this.#repo = repo;
    this.#log = log;
    this.#visitor = {
      node: (node, tree) => this.#checkNode(node, tree),
      error: (error, tree) => {
        const isMissing = error.code === "blob-missing";
        const code = isMissing ? "blob-not-indexed" : error.code === "tree-malformed" ? error.code : "tree-unreadable";
        this.#add(code, tree, isMissing ? "is in no index file" : `cannot be used: ${error.message}`, {
          blobId: tree.id,
        });
      },
    };
  }

  /** Checks the tree and everything below it that was not checked before. */
  async check(rootId: BlobId, signal: AbortSignal | undefined): Promise<void> {
    await walkTrees(this.#repo, [rootId], this.#visitor, { seen: this.referenced, signal });
  }

  #checkNode(node: Node, tree: WalkedTree): void {
    const name = `"${quoteNameText(node.name)}"`;
    this.#checkOrder(node, tree, name);
    if (node.name.length === 0) this.#add("node-without-name", tree, "has an entry with an empty name");
    if (node.type === "file") this.#checkFile(node, tree, name);
    else if (node.type === "dir") this.#checkDirectory(node, tree, name);
    else if (!knownTypes.has(node.type)) {
      this.#add("node-type", tree, `has the entry ${name} of the unknown type "${node.type}"`);
    }
  }

  /** Only writers are held to the order; a tree without it can be restored, but look-ups in it may miss. */
  #checkOrder(node: Node, tree: WalkedTree, name: string): void {
    const previous = tree === this.#current ? this.#previousName : undefined;
    this.#current = tree;
    this.#previousName = node.name;
    if (previous === undefined || Buffer.compare(previous, node.name) < 0) return;
    const isTwice = previous.equals(node.name);
    this.#add("tree-disorder", tree, isTwice ? `has the name ${name} twice` : `has the name ${name} out of order`);
  }

  #checkFile(node: Node, tree: WalkedTree, name: string): void {
    if (node.content === undefined) this.#add("file-without-content", tree, `has no content for the file ${name}`);
    else this.#checkContent(node, node.content, { tree, name });
  }

  #checkContent(
    node: Node,
    content: readonly BlobId[],
    { tree, name }: { readonly tree: WalkedTree; readonly name: string },
  ): void {
    let sizeBytes = 0;
    let isComplete = true;
    for (const blobId of content) {
      const position = blobId === nullId ? -1 : this.#repo.index.positionOf("data", blobId);
      if (position >= 0) {
        this.referenced.add("data", blobId);
        sizeBytes += this.#sizeAt(position);
        continue;
      }
      isComplete = false;
      if (blobId === nullId) this.#add("file-null-blob", tree, `has a blob without id in the file ${name}`);
      else
        this.#add("blob-not-indexed", tree, `needs blob ${blobId} of the file ${name}: it is in no index file`, {
          blobId,
        });
    }
    if (isComplete && sizeBytes !== node.size) {
      this.#add("file-size", tree, `says that the file ${name} has ${node.size} bytes; its blobs have ${sizeBytes}`);
    }
  }

  #checkDirectory(node: Node, tree: WalkedTree, name: string): void {
    if (node.subtree !== undefined && node.subtree !== nullId) return;
    this.#add("directory-without-subtree", tree, `has no subtree for the directory ${name}`);
  }

  #sizeAt(position: number): number {
    const { segment, index } = this.#repo.index.table.locate(position);
    return plaintextLength(segment.entryAt(index));
  }

  #add(code: FindingCode, tree: WalkedTree, reason: string, facts: FindingFacts = {}): void {
    this.#log.add(code, `tree ${tree.id} (${pathOfTree(tree)}) ${reason}`, { treeId: tree.id, ...facts });
  }
}
