// Brings the index in memory up to date with the index files in the store. Call it only after the snapshots to be read
// were listed (then every blob of theirs is found), and after the lock was taken (then nothing found vanishes).
import { RepositoryError } from "../errors.ts";
import type { IndexId, PackId } from "../format/id.ts";
import type { BlobIndex } from "../index/blob-index.ts";
import { IndexFileEntries } from "../index/index-file-entries.ts";
import { idFromKey, listPrefix } from "../storage/key-layout.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { boundedParallel } from "./bounded-parallel.ts";
import { listFiles, type UnpackedFiles } from "./unpacked-files.ts";

/** Index files are replaced under an exclusive lock only; more than a few rounds mean that something else is wrong. */
const maxListings = 4;

export type OnIndexFile = (id: IndexId, entries: IndexFileEntries, files: number) => void;

export interface IndexRefreshOptions {
  readonly storage: Pick<ObjectStorage, "list" | "connections" | "retain">;
  readonly files: Pick<UnpackedFiles, "load">;
  readonly index: BlobIndex;
}

export class IndexRefresh {
  readonly #options: IndexRefreshOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: IndexRefreshOptions) {
    this.#options = options;
  }

  /**
   * One refresh at a time; a call that comes meanwhile lists anew after it, because it may rely on what came later.
   * @param onFile is shown each file that is read, with how many files this refresh reads; what it throws ends the refresh.
   */
  run(signal: AbortSignal | undefined, onFile?: OnIndexFile): Promise<void> {
    const refresh = this.#last.then(() => this.#refresh(signal, onFile));
    this.#last = refresh.catch(() => undefined);
    return refresh;
  }

  async #refresh(signal: AbortSignal | undefined, onFile: OnIndexFile | undefined): Promise<void> {
    const { index } = this.#options;
    for (let attempt = 1; attempt <= maxListings; attempt++) {
      const before = index.fileIds;
      const missing = index.planRefresh(await this.#list(signal), before);
      const hasVanished = await this.#loadMissing(missing, signal, onFile);
      if (hasVanished) continue;
      index.removeStale();
      return this.#dropOldCopies();
    }
    throw new RepositoryError("index-incomplete", `index files vanished while they were read, ${maxListings} times`);
  }

  /** Packs that no index file names any more are garbage of a prune. */
  async #dropOldCopies(): Promise<void> {
    const { storage, index } = this.#options;
    await storage.retain?.(listPrefix("pack"), (key) => {
      const id = idFromKey("pack", key);
      return id !== undefined && index.hasPack(id as PackId);
    });
  }

  async #list(signal: AbortSignal | undefined): Promise<IndexId[]> {
    const ids: IndexId[] = [];
    for await (const { id } of listFiles(this.#options.storage, "index", signal)) ids.push(id as IndexId);
    return ids;
  }

  /** @returns true when a file was gone by its turn: another program replaced it, so the list must be read again. */
  async #loadMissing(
    ids: readonly IndexId[],
    signal: AbortSignal | undefined,
    onFile: OnIndexFile | undefined,
  ): Promise<boolean> {
    const { storage, index } = this.#options;
    let hasVanished = false;
    const loads = boundedParallel(ids, { limit: storage.connections, signal }, (id) => this.#read(id, signal));
    // Decoded in turn: the entries of several files at a time would be most of the memory.
    for await (const { id, json } of loads) {
      if (json === undefined) {
        hasVanished = true;
        continue;
      }
      const entries = decode(id, json);
      onFile?.(id, entries, ids.length);
      index.addFile(id, entries);
    }
    return hasVanished;
  }

  async #read(id: IndexId, signal: AbortSignal | undefined): Promise<{ id: IndexId; json: Buffer | undefined }> {
    try {
      return { id, json: await this.#options.files.load("index", id, signal) };
    } catch (error) {
      if (RepositoryError.is(error, "object-missing")) return { id, json: undefined };
      throw error;
    }
  }
}

function decode(id: IndexId, json: Buffer): IndexFileEntries {
  try {
    return IndexFileEntries.decode(json);
  } catch (error) {
    if (!RepositoryError.is(error)) throw error;
    throw new RepositoryError("index-malformed", `the index file ${id}: ${error.message}`, {
      details: { index: id },
      cause: error,
    });
  }
}
