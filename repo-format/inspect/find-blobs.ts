// Looks for blobs by their ids: which files of a snapshot have a data blob, which directories are a tree, and in which pack
// they lie.

import type { BlobHandle } from "../format/blob.ts";
import type { BlobId, PackId } from "../format/id.ts";
import type { Repository } from "../repository/repository.ts";
import { type WalkInOrderOptions, walkInOrder } from "./walk-in-order.ts";
import type { WantedBlobs } from "./wanted-ids.ts";

/** A place where a blob is used. */
export interface FoundBlob extends BlobHandle {
  /** The file with the data blob, or the directory that is the tree; raw bytes, absolute. */
  readonly path: Buffer;
  /** The tree that has the file; undefined for trees. */
  readonly parentTree: BlobId | undefined;
}

type FindOptions = Pick<WalkInOrderOptions, "signal" | "onError">;

/**
 * Where a snapshot uses the blobs. Trees alone are looked for until each was found once, everything else to the end; a
 * file that has a blob twice comes twice. The index must be loaded.
 * @throws RepositoryError for directories that cannot be read unless `onError` takes them.
 */
export async function* findBlobs(
  repo: Repository,
  rootId: BlobId,
  wanted: WantedBlobs,
  options: FindOptions = {},
): AsyncGenerator<FoundBlob, void, undefined> {
  const foundNames = new Set<string>();
  const isTree = (id: BlobId): boolean => {
    const name = wanted.tree?.nameOf(id);
    if (name !== undefined) foundNames.add(name);
    return name !== undefined;
  };
  const isDone = (): boolean => wanted.data === undefined && foundNames.size === wanted.tree?.size;
  if (isTree(rootId)) yield { type: "tree", id: rootId, path: Buffer.from("/"), parentTree: undefined };
  if (isDone()) return;
  const judge: WalkInOrderOptions["judge"] = ({ type }) => ({
    isListed: type === "dir" || type === "file",
    descends: true,
  });
  for await (const { node, path, treeId } of walkInOrder(repo, rootId, { judge, ...options })) {
    if (node.type === "dir" && node.subtree !== undefined && isTree(node.subtree)) {
      yield { type: "tree", id: node.subtree, path, parentTree: undefined };
      if (isDone()) return;
    }
    if (node.type !== "file" || wanted.data === undefined) continue;
    for (const id of node.content ?? [])
      if (wanted.data.nameOf(id) !== undefined) yield { type: "data", id, path, parentTree: treeId };
  }
}

/** A blob and the first pack that has it; no pack when no index file knows the blob. */
export interface LocatedBlob extends BlobHandle {
  readonly pack: PackId | undefined;
  /** In the pack; sealed bytes; 0 for blobs that are stored uncompressed. All 0 without a pack. */
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

/** Where the index says that the wanted blobs lie, each once. */
export function* locateBlobs(repo: Repository, wanted: WantedBlobs): Generator<LocatedBlob, void, undefined> {
  for (const type of ["data", "tree"] as const) {
    const ids = wanted[type];
    if (ids === undefined) continue;
    const all = new Set(ids.full);
    if (ids.hasPrefixes)
      for (const blob of repo.index.blobs())
        if (blob.type === type && ids.nameOf(blob.id) !== undefined) all.add(blob.id);
    for (const id of all) {
      const [first] = repo.index.lookup({ type, id });
      const { packId, offset = 0, length = 0, uncompressedLength = 0 } = first ?? {};
      yield { type, id, pack: packId, offset, length, uncompressedLength };
    }
  }
}
