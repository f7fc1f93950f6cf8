// Makes whole trees of damaged ones: files lose the pieces that are gone, directories that cannot be read become empty,
// entries of no known kind go. Trees without damage keep their id: what is stored in them is never encoded anew.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { plaintextLength } from "../format/blob.ts";
import { type BlobId, idOf, type TreeId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import { encodeTree, iterateTree, TreeEncoder } from "../format/tree.ts";
import { BlobSet } from "../index/blob-set.ts";
import { type BlobUploader, withBlobUploader } from "../repository/blob-uploader.ts";
import { inGroups } from "../repository/in-groups.ts";
import type { Repository } from "../repository/repository.ts";
import { isLoss } from "./lost-data.ts";

/** What was damaged in a snapshot, and where; paths are raw bytes, "/" and names. */
export type TreeDamage =
  | { readonly kind: "file-shortened"; readonly path: Buffer; readonly lostBlobs: number; readonly blobs: number }
  | { readonly kind: "file-size"; readonly path: Buffer; readonly sizeBytes: number; readonly expectedBytes: number }
  | { readonly kind: "node-removed"; readonly path: Buffer; readonly reason: string }
  | { readonly kind: "tree-lost"; readonly path: Buffer; readonly message: string };

export interface TreeRepairOptions {
  /** Without one nothing is stored: for a dry run. */
  readonly uploader: BlobUploader | undefined;
  readonly onDamage: (damage: TreeDamage) => void;
  readonly signal: AbortSignal | undefined;
}

/** Subtrees of so many neighbours are fetched together. */
const groupSize = 64;

/** The nodes of a tree that are to be other ones, or none, by their place. */
type NodeChanges = Map<number, Node | undefined>;

/** Trees that one of these has seen are not looked at again by it. The index must be loaded and lose nothing meanwhile. */
export class TreeRepair {
  readonly #repo: Repository;
  readonly #sound: BlobSet;
  readonly #repaired = new Map<TreeId, TreeId>();
  /** Ids under which the index has nothing but damaged blobs. */
  readonly #unreadable = new Set<BlobId>();

  constructor(repo: Repository) {
    this.#repo = repo;
    this.#sound = new BlobSet(repo.index);
  }

  /**
   * @returns the id of the tree itself, or of a sound one in its place; undefined when nothing of it can be read.
   * @throws the errors of the store.
   */
  repairRoot(id: TreeId, options: TreeRepairOptions): Promise<TreeId | undefined> {
    return this.#repair(id, Buffer.from("/"), options);
  }

  async #repair(id: TreeId, path: Buffer, options: TreeRepairOptions): Promise<TreeId | undefined> {
    if (this.#sound.has("tree", id)) return id;
    const known = this.#repaired.get(id);
    if (known !== undefined) return known;
    try {
      // Trees are kept in memory, also those that the index has lost meanwhile.
      if (!this.#repo.index.has("tree", id)) throw new RepositoryError("blob-missing", "its tree is in no index file");
      const bytes = await this.#repo.loadTree(id, options.signal);
      const changes = await this.#changesOf(bytes, path, options);
      const newId = changes.size === 0 ? id : await this.#store(changedTree(bytes, changes, path, options), options);
      if (newId === id) this.#sound.add("tree", id);
      else this.#repaired.set(id, newId);
      return newId;
    } catch (error) {
      throwIfCancelled(options.signal);
      if (!isLoss(error)) throw error;
      this.#unreadable.add(id);
      options.onDamage({ kind: "tree-lost", path, message: error.message });
      return undefined;
    }
  }

  async #changesOf(bytes: Buffer, path: Buffer, options: TreeRepairOptions): Promise<NodeChanges> {
    const changes: NodeChanges = new Map();
    let place = 0;
    for (const group of inGroups(iterateTree(bytes), groupSize)) {
      const subtrees = group.flatMap(({ subtree }) => (subtree === undefined ? [] : [subtree]));
      const unseen = subtrees.filter((id) => !this.#sound.has("tree", id));
      if (unseen.length > 1) await this.#repo.prefetchTrees(unseen, options.signal);
      for (const node of group) {
        throwIfCancelled(options.signal);
        const repaired = await this.#repairNode(node, childPath(path, node.name), options);
        if (repaired !== node) changes.set(place, repaired);
        place++;
      }
    }
    return changes;
  }

  /** The same object when nothing is wrong with it. */
  async #repairNode(node: Node, path: Buffer, options: TreeRepairOptions): Promise<Node | undefined> {
    if (node.type === "file") return this.#repairFile(node, path, options);
    if (node.type === "irregular" || node.type === "") {
      options.onDamage({ kind: "node-removed", path, reason: `it is of the type "${node.type}"` });
      return undefined;
    }
    if (node.type !== "dir") return node;
    const subtree = await this.#repairSubtree(node, path, options);
    return subtree === node.subtree ? node : { ...node, subtree };
  }

  async #repairSubtree(node: Node, path: Buffer, options: TreeRepairOptions): Promise<TreeId> {
    if (node.subtree === undefined) {
      options.onDamage({ kind: "tree-lost", path, message: "the directory has no tree" });
    } else {
      const repaired = await this.#repair(node.subtree, path, options);
      if (repaired !== undefined) return repaired;
    }
    return this.#store(encodeTree([]), options);
  }

  #repairFile(node: Node, path: Buffer, { onDamage }: TreeRepairOptions): Node {
    const { index } = this.#repo;
    const blobs = node.content ?? [];
    const content: BlobId[] = [];
    let sizeBytes = 0;
    for (const id of blobs) {
      const position = index.positionOf("data", id);
      if (position < 0) continue;
      const place = index.table.locate(position);
      sizeBytes += plaintextLength(place.segment.entryAt(place.index));
      content.push(id);
    }
    const lostBlobs = blobs.length - content.length;
    if (lostBlobs === 0 && sizeBytes === node.size) return node;
    if (lostBlobs > 0) onDamage({ kind: "file-shortened", path, lostBlobs, blobs: blobs.length });
    else onDamage({ kind: "file-size", path, sizeBytes: node.size, expectedBytes: sizeBytes });
    return { ...node, content, size: sizeBytes };
  }

  async #store(bytes: Buffer, { uploader, signal }: TreeRepairOptions): Promise<TreeId> {
    const id = idOf<TreeId>(bytes);
    if (uploader === undefined) return id;
    if (!this.#unreadable.delete(id)) return (await uploader.saveBlob("tree", bytes)).id;
    // The index knows it, from a pack that does not have it any more.
    await withBlobUploader(this.#repo, { signal, storeKnown: true }, (anew) => anew.saveBlob("tree", bytes));
    return id;
  }
}

function changedTree(
  bytes: Buffer,
  changes: NodeChanges,
  path: Buffer,
  { onDamage }: Pick<TreeRepairOptions, "onDamage">,
): Buffer {
  const kept: Node[] = [];
  let place = 0;
  for (const node of iterateTree(bytes)) {
    const changed = changes.has(place) ? changes.get(place) : node;
    if (changed !== undefined) kept.push(changed);
    place++;
  }
  // Readers accept any order, writers must not make a tree without it.
  kept.sort((a, b) => Buffer.compare(a.name, b.name));
  const encoder = new TreeEncoder();
  let previous: Buffer = Buffer.alloc(0);
  for (const node of kept) {
    if (!node.name.equals(previous)) encoder.add(node);
    else
      onDamage({ kind: "node-removed", path: childPath(path, node.name), reason: "its name is empty or not unique" });
    previous = node.name;
  }
  return encoder.finish();
}

function childPath(path: Buffer, name: Buffer): Buffer {
  return Buffer.concat(path.length === 1 ? [path, name] : [path, Buffer.from("/"), name]);
}
