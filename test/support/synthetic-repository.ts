// Repositories put together pack by pack, to the tests' measure: duplicates, mixed and uncompressed packs, packs that no
// index knows, packs in two index files, packs that are gone.

import { RepositoryError } from "../../repo-format/errors.ts";
import type { BlobHandle } from "../../repo-format/format/blob.ts";
import { type BlobId, idOf } from "../../repo-format/format/id.ts";
import { encodeIndexFile, type IndexPack } from "../../repo-format/format/index-file.ts";
import { emptyNode, type Node } from "../../repo-format/format/node.ts";
import { encodeTree } from "../../repo-format/format/tree.ts";
import { PackWriter } from "../../repo-format/pack/pack-writer.ts";
import { sealBlob } from "../../repo-format/repository/blob-uploader.ts";
import type { Repository } from "../../repo-format/repository/repository.ts";
import { keyOf } from "../../repo-format/storage/key-layout.ts";
import type { ObjectStorage } from "../../repo-format/storage/object-storage.ts";
import { createTestRepository, seededBytes, storeSnapshot } from "./memory-repository.ts";

/** Blobs are numbered: first the data blobs, then the trees. */
export const dataBlobCount = 6;
export const treeCount = 6;

export interface SketchedPack {
  /** Numbers of blobs; a tree only leads to what stands before it. */
  readonly blobs: readonly { readonly number: number; readonly isCompressed: boolean }[];
  /** Index files that list it, 0 to 2 of them. */
  readonly indexes: readonly number[];
  /** false: the store has lost it. */
  readonly isStored: boolean;
}

/** A pack of these compressed blobs that is stored and stands in the first index file. */
export function storedPack(numbers: readonly number[], fields: Partial<SketchedPack> = {}): SketchedPack {
  return { blobs: numbers.map((number) => ({ number, isCompressed: true })), indexes: [0], isStored: true, ...fields };
}

export interface RepositorySketch {
  readonly version: 1 | 2;
  /** By tree: numbers of data blobs of its files, and of earlier trees. */
  readonly trees: readonly { readonly files: readonly number[]; readonly subtrees: readonly number[] }[];
  readonly packs: readonly SketchedPack[];
  /** Numbers of trees. */
  readonly snapshots: readonly number[];
}

export interface ModelBlob extends BlobHandle {
  readonly content: Buffer;
  /** Numbers of the blobs that it refers to. */
  readonly refersTo: readonly number[];
}

export interface BuiltRepository {
  readonly repo: Repository;
  readonly blobs: readonly ModelBlob[];
  /** Numbers of the blobs that the snapshots lead to. */
  readonly reachable: ReadonlySet<number>;
}

function modelBlobs(sketch: RepositorySketch): ModelBlob[] {
  const blobs: ModelBlob[] = [];
  for (let number = 0; number < dataBlobCount; number++) {
    const content = seededBytes(number, 10 + number * 50);
    blobs.push({ type: "data", id: idOf<BlobId>(content), content, refersTo: [] });
  }
  for (const [number, { files, subtrees }] of sketch.trees.entries()) {
    const fileNode = (data: number): Node => ({
      ...emptyNode(Buffer.from(`file-${data}`), "file"),
      content: [blobs[data]?.id as BlobId],
      size: blobs[data]?.content.length ?? 0,
    });
    // The inode makes every tree a blob of its own.
    const own: Node = { ...emptyNode(Buffer.from("."), "fifo"), inode: BigInt(number + 1) };
    const directory = (tree: number): Node => ({
      ...emptyNode(Buffer.from(`tree-${tree}`), "dir"),
      subtree: blobs[dataBlobCount + tree]?.id,
    });
    const earlier = subtrees.filter((tree) => tree < number);
    const content = encodeTree([own, ...sorted(files).map(fileNode), ...sorted(earlier).map(directory)]);
    const refersTo = [...files, ...earlier.map((tree) => dataBlobCount + tree)];
    blobs.push({ type: "tree", id: idOf<BlobId>(content), content, refersTo });
  }
  return blobs;
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function reachableFrom(roots: readonly number[], blobs: readonly ModelBlob[]): Set<number> {
  const reached = new Set(roots);
  for (const number of reached) for (const next of blobs[number]?.refersTo ?? []) reached.add(next);
  return reached;
}

/** Builds what the sketch describes; the index of the returned repository is not loaded. */
export async function buildRepository(sketch: RepositorySketch, storage?: ObjectStorage): Promise<BuiltRepository> {
  const repo = await createTestRepository({ version: sketch.version, ...(storage === undefined ? {} : { storage }) });
  const blobs = modelBlobs(sketch);
  const indexFiles = new Map<number, IndexPack[]>();
  for (const pack of sketch.packs) {
    const stored = await storePack(repo, pack, blobs);
    for (const file of new Set(pack.indexes)) indexFiles.set(file, [...(indexFiles.get(file) ?? []), stored]);
  }
  for (const packs of indexFiles.values()) await repo.saveUnpacked("index", encodeIndexFile(packs));
  const roots = sketch.snapshots.map((tree) => dataBlobCount + tree);
  for (const root of roots) await storeSnapshot(repo, blobs[root]?.id as BlobId);
  return { repo, blobs, reachable: reachableFrom(roots, blobs) };
}

async function storePack(repo: Repository, pack: SketchedPack, blobs: readonly ModelBlob[]): Promise<IndexPack> {
  const writer = new PackWriter(repo.sealer);
  for (const { number, isCompressed } of pack.blobs) {
    const { type, id, content } = blobs[number] as ModelBlob;
    if (isCompressed) writer.add(sealBlob(repo, { type, id }, content));
    else {
      const sealed = repo.sealer.seal(content);
      writer.add({ type, id, sealed, uncompressedLength: 0, plaintextLength: content.length });
    }
  }
  const finished = writer.finish();
  if (pack.isStored) await repo.storage.put(keyOf("pack", finished.id), finished.body);
  return { id: finished.id, blobs: [...finished.blobs] };
}

/** Which of the blobs cannot be read, by number. */
export async function unreadable(repo: Repository, built: BuiltRepository): Promise<number[]> {
  const failed: number[] = [];
  for (const number of built.reachable) {
    const { type, id, content } = built.blobs[number] as ModelBlob;
    try {
      if (!(await repo.loadBlob({ type, id })).equals(content)) failed.push(number);
    } catch (error) {
      if (!RepositoryError.is(error)) throw error;
      failed.push(number);
    }
  }
  return failed;
}
