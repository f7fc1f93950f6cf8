// Makes the index say what the packs hold: drops index files that cannot be read and packs that are gone, and reads the
// headers of packs that it does not know or knows with another size. New files are stored before old ones are deleted, so
// that a stop in between leaves entries twice, never missing.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { IndexId, PackId } from "../format/id.ts";
import type { IndexPack } from "../format/index-file.ts";
import { BlobIndex } from "../index/blob-index.ts";
import { IndexFileEntries } from "../index/index-file-entries.ts";
import { readPackHeader } from "../pack/pack-reader.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";
import { copiesOf } from "./index-copies.ts";
import { IndexFileBatch } from "./index-file-batch.ts";
import { listPacks } from "./list-packs.ts";
import { isLoss } from "./lost-data.ts";
import { collectPackStatistics } from "./pack-statistics.ts";
import { listIndexFiles, rewriteIndexFiles } from "./rewrite-index.ts";

/** How an index is repaired. */
export interface RepairIndexOptions extends Omit<ExclusiveLockOptions, "lock"> {
  /** Trust no index file: build the index anew from the headers of all packs. */
  readonly readAllPacks?: boolean | undefined;
  readonly onChange?: ((change: IndexChange) => void) | undefined;
  readonly onProgress?: ((progress: RepairIndexProgress) => void) | undefined;
}

/** Index files loaded, pack headers read, index files gone through. */
export interface RepairIndexProgress {
  readonly step: "load" | "headers" | "index";
  readonly done: number;
  readonly total: number;
}

/**
 * What was found wrong and is put right: an index file that cannot be read; a pack that the index did not know, knew with
 * another size, or that the store has not; a pack whose header cannot be read, which the index knows no longer.
 */
export type IndexChange =
  | { readonly kind: "index-unreadable"; readonly id: IndexId; readonly message: string }
  | { readonly kind: "pack-added" | "pack-missing"; readonly id: PackId }
  | { readonly kind: "pack-resized"; readonly id: PackId; readonly sizeBytes: number; readonly indexedBytes: number }
  | { readonly kind: "pack-unreadable"; readonly id: PackId; readonly message: string };

/** How often each kind of change was met. */
export type RepairIndexResult = Readonly<Record<IndexChange["kind"], number>>;

/**
 * Repairs the index, under an exclusive lock. Loaded indexes of this process show it at their next refresh.
 * @throws RepositoryError "lock-held", and what reading and writing throws; damage is repaired, never thrown.
 */
export async function repairIndex(repo: Repository, options: RepairIndexOptions = {}): Promise<RepairIndexResult> {
  return await underExclusiveLock(repo, options, (locked) => repairIndexLocked(repo, locked));
}

/** The same for a caller that holds the exclusive lock. */
export async function repairIndexLocked(repo: Repository, options: RepairIndexOptions): Promise<RepairIndexResult> {
  const { signal } = options;
  const repair = new IndexRepair(repo, options);
  const files = await listIndexFiles(repo, signal);
  const { index, readable, unreadable } = options.readAllPacks
    ? { index: new BlobIndex(), readable: [], unreadable: files }
    : await repair.load(files);
  const { toRead, removed } = await repair.compare(index);
  await repair.readHeaders(toRead);
  await rewriteIndexFiles(repo, removed, {
    signal,
    files: readable,
    obsolete: unreadable,
    onProgress: (done, total) => options.onProgress?.({ step: "index", done, total }),
  });
  return repair.counts;
}

interface StoredPack {
  readonly id: PackId;
  readonly sizeBytes: number;
}

class IndexRepair {
  readonly counts: Record<IndexChange["kind"], number> = {
    "index-unreadable": 0,
    "pack-added": 0,
    "pack-missing": 0,
    "pack-resized": 0,
    "pack-unreadable": 0,
  };
  readonly #repo: Repository;
  readonly #options: RepairIndexOptions;

  constructor(repo: Repository, options: RepairIndexOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  /** An index of its own: that of the repository would end at the first file that cannot be read. */
  async load(
    files: readonly IndexId[],
  ): Promise<{ readonly index: BlobIndex; readonly readable: IndexId[]; readonly unreadable: IndexId[] }> {
    const index = new BlobIndex();
    const [readable, unreadable]: [IndexId[], IndexId[]] = [[], []];
    const load = async (id: IndexId): Promise<{ id: IndexId; read: IndexFileEntries | RepositoryError }> => ({
      id,
      read: await this.#read(id),
    });
    for await (const { id, read } of boundedParallel(files, this.#limits, load)) {
      if (read instanceof IndexFileEntries) {
        index.addFile(id, read);
        readable.push(id);
      } else {
        unreadable.push(id);
        this.#report({ kind: "index-unreadable", id, message: read.message });
      }
      const done = readable.length + unreadable.length;
      this.#options.onProgress?.({ step: "load", done, total: files.length });
    }
    return { index, readable, unreadable };
  }

  /** Which packs must be read, and which the present index files must forget. */
  async compare(index: BlobIndex): Promise<{ readonly toRead: StoredPack[]; readonly removed: Set<PackId> }> {
    const copies = copiesOf(index);
    const { packs } = collectPackStatistics(copies, new Uint8Array(copies.blobNumberLimit));
    const { sizes, unindexed } = await listPacks(this.#repo, this.#options.signal, index);
    const toRead = [...unindexed];
    const removed = new Set<PackId>();
    for (const { id } of unindexed) this.#report({ kind: "pack-added", id });
    for (let pack = 0; pack < sizes.length; pack++) {
      const id = index.packIdAt(pack);
      const sizeBytes = sizes[pack] ?? -1;
      // Numbers that were given up and given anew are listed under the new one.
      if (index.packNumberOf(id) !== pack || sizeBytes === packs.sizeBytes(pack)) continue;
      removed.add(id);
      if (sizeBytes === -1) {
        this.#report({ kind: "pack-missing", id });
        continue;
      }
      toRead.push({ id, sizeBytes });
      this.#report({ kind: "pack-resized", id, sizeBytes, indexedBytes: packs.sizeBytes(pack) });
    }
    return { toRead, removed };
  }

  /** Saves what the packs' headers say as new index files. */
  async readHeaders(packs: readonly StoredPack[]): Promise<void> {
    const batch = new IndexFileBatch(this.#repo, this.#options.signal);
    let done = 0;
    for await (const { id, blobs } of boundedParallel(packs, this.#limits, (pack) => this.#readHeader(pack))) {
      if (blobs !== undefined) await batch.add({ id, blobs });
      this.#options.onProgress?.({ step: "headers", done: ++done, total: packs.length });
    }
    await batch.save();
  }

  /** Read twice before it is given up: the bytes may have been damaged on their way. */
  async #readHeader({
    id,
    sizeBytes,
  }: StoredPack): Promise<IndexPack | { readonly id: PackId; readonly blobs?: never }> {
    const { storage, sealer } = this.#repo;
    const source = { storage, sealer, signal: this.#options.signal };
    for (let attempt = 1; ; attempt++) {
      try {
        return { id, blobs: await readPackHeader(source, id, sizeBytes) };
      } catch (error) {
        throwIfCancelled(this.#options.signal);
        if (!isLoss(error)) throw error;
        if (attempt === 1) continue;
        this.#report({ kind: "pack-unreadable", id, message: error.message });
        return { id };
      }
    }
  }

  /** Only damage counts as unreadable: a store that does not answer must not cost an index file. */
  async #read(id: IndexId): Promise<IndexFileEntries | RepositoryError> {
    try {
      return IndexFileEntries.decode(await this.#repo.loadUnpacked("index", id, this.#options.signal));
    } catch (error) {
      if (RepositoryError.is(error, "file-damaged") || RepositoryError.is(error, "index-malformed")) return error;
      throw error;
    }
  }

  #report(change: IndexChange): void {
    this.counts[change.kind]++;
    this.#options.onChange?.(change);
  }

  get #limits(): { readonly limit: number; readonly signal: AbortSignal | undefined } {
    return { limit: this.#repo.storage.connections, signal: this.#options.signal };
  }
}
