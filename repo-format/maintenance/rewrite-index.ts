// Replaces the index files that tell of packs that are about to be deleted, and merges small ones on the way. New files
// first, then the old ones go: whoever stops in between leaves entries twice, never missing.

import { throwIfCancelled } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import type { BlobId, IndexId, PackId } from "../format/id.ts";
import { IndexFileEntries } from "../index/index-file-entries.ts";
import { blobsPerIndexFile } from "../index/index-writer.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { IndexFileBatch } from "./index-file-batch.ts";
import { hashOfPack, MetPacks } from "./index-pack-hash.ts";

/** One pack's header may add so many entries to a file that is nearly full; files above that are split. */
const oversizedBlobs: number = blobsPerIndexFile + 409_199;

export interface RewriteIndexOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** The files to go through; default: all. Others may say again of the removed packs what is true of them. */
  readonly files?: readonly IndexId[] | undefined;
  /** Files that are of no use any more and go with those that are replaced. */
  readonly obsolete?: readonly IndexId[] | undefined;
}

/**
 * Makes the index files forget the packs. Files that are full and tell of none of them stay as they are.
 * @throws what reading, storing or deleting an index file throws; then the packs must not be deleted.
 */
export async function rewriteIndexFiles(
  repo: Repository,
  removed: ReadonlySet<PackId>,
  options: RewriteIndexOptions = {},
): Promise<void> {
  const { signal } = options;
  const ids = options.files ?? (await listIndexFiles(repo, signal));
  const load = async (id: IndexId): Promise<{ id: IndexId; entries: IndexFileEntries }> => ({
    id,
    entries: IndexFileEntries.decode(await repo.loadUnpacked("index", id, signal)),
  });
  const rewriter = new IndexRewriter(repo, removed, signal);
  const limits = { limit: repo.storage.connections, signal };
  let done = 0;
  for await (const { id, entries } of boundedParallel(ids, limits, load)) {
    await rewriter.take(id, entries);
    done++;
    options.onProgress?.(done, ids.length);
  }
  const obsolete = [...(await rewriter.finish()), ...(options.obsolete ?? [])];
  throwIfCancelled(signal);
  for await (const _ of boundedParallel(obsolete, limits, (id) => repo.remove("index", id, signal)));
}

export async function listIndexFiles(repo: Repository, signal: AbortSignal | undefined): Promise<IndexId[]> {
  const ids: IndexId[] = [];
  for await (const { id } of repo.list("index", signal)) ids.push(id as IndexId);
  return ids;
}

/** Full index files that tell of none of the packs: a rewrite leaves them as they are, so it need not be given them. */
export async function unaffectedIndexFiles(
  repo: Repository,
  packs: ReadonlySet<PackId>,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<IndexId>> {
  const unaffected = new Set<IndexId>();
  const read = async (id: IndexId): Promise<void> => {
    const entries = IndexFileEntries.decode(await repo.loadUnpacked("index", id, signal));
    if (isFull(entries) && !entries.packs.some((pack) => packs.has(hexOf(pack.id)))) unaffected.add(id);
  };
  const limits = { limit: repo.storage.connections, signal };
  for await (const _ of boundedParallel([...repo.index.fileIds], limits, read));
  return unaffected;
}

function isFull({ count }: IndexFileEntries): boolean {
  return count >= blobsPerIndexFile && count <= oversizedBlobs;
}

class IndexRewriter {
  readonly #batch: IndexFileBatch;
  readonly #removed: ReadonlySet<PackId>;
  readonly #met = new MetPacks();
  readonly #obsolete: IndexId[] = [];
  /** True when some obsolete file says something that must go, or says it twice. */
  #isNeeded = false;

  constructor(repo: Repository, removed: ReadonlySet<PackId>, signal: AbortSignal | undefined) {
    this.#batch = new IndexFileBatch(repo, signal);
    this.#removed = removed;
  }

  async take(id: IndexId, entries: IndexFileEntries): Promise<void> {
    const packs = entries.packs.map((pack, place) => ({ id: hexOf(pack.id), place }));
    const hashes = packs.map(({ place }) => hashOfPack(entries, place));
    const isNew = packs.map(({ place }) => this.#isNew(entries, place, hashes[place] ?? 0));
    const isClean = packs.every((pack, place) => isNew[place] && !this.#removed.has(pack.id));
    if (isClean && isFull(entries)) return;
    if (!isClean) this.#isNeeded = true;
    this.#obsolete.push(id);
    for (const { id: packId, place } of packs) {
      if (isNew[place] && !this.#removed.has(packId)) {
        await this.#batch.add({ id: packId, blobs: blobsOf(entries, place) });
      }
    }
  }

  /** Saves what is left; returns the files that can be deleted now. */
  async finish(): Promise<readonly IndexId[]> {
    // One small file alone would only be replaced by its equal.
    if (!this.#isNeeded && this.#obsolete.length < 2) return [];
    await this.#batch.save();
    return this.#obsolete;
  }

  /** False when an earlier file said the same of the pack; parts of a pack in several files are all kept. */
  #isNew(entries: IndexFileEntries, place: number, hash: number): boolean {
    const id = entries.packs[place]?.id;
    return id !== undefined && this.#met.meet(id, { hash, file: 0 })?.hash !== hash;
  }
}

function blobsOf(entries: IndexFileEntries, place: number): PackedBlob[] {
  const blobs: PackedBlob[] = [];
  for (let index = entries.packs[place]?.firstEntry ?? 0; index < entries.endOfPack(place); index++) {
    const { id, isTree, offset, length, uncompressedLength } = entries.entryAt(index);
    blobs.push({ type: isTree ? "tree" : "data", id: hexOf<BlobId>(id), offset, length, uncompressedLength });
  }
  return blobs;
}

function hexOf<T extends BlobId | PackId = PackId>(words: Uint32Array): T {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("hex") as T;
}
