// Turns stored packs into index files while a backup still runs, so that an interrupted run's blobs are found again:
// a file is saved at 50,000 blobs, or two minutes after its first pack.

import type { IndexId, PackId } from "../format/id.ts";
import type { ListedPack } from "../format/index-file.ts";
import { encodeIndexFile } from "../format/index-file.ts";

/** As in restic: a file with this many blobs is full. */
export const blobsPerIndexFile = 50_000;
const indexFileMaxAgeMs: number = 2 * 60_000;

export interface IndexWriterOptions {
  /** Stores the JSON as an index file. */
  readonly save: (json: Buffer) => Promise<IndexId>;
  /** Called after each saved file. */
  readonly onSaved: (packIds: readonly PackId[], id: IndexId) => void;
  /** Called once, at the first save that failed: no later file makes up for it. */
  readonly onFailed?: ((error: unknown) => void) | undefined;
  readonly maxBlobs?: number | undefined;
  readonly maxAgeMs?: number | undefined;
}

export class IndexWriter {
  readonly #options: IndexWriterOptions;
  #packs: ListedPack[] = [];
  #blobCount = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Saves under way; each one settles, an error is kept in `#failure`. */
  readonly #saves = new Set<Promise<void>>();
  #failure: unknown;

  constructor(options: IndexWriterOptions) {
    this.#options = options;
  }

  /** Takes a pack that is stored. Never waits; a save that fails shows in the next `flush`. */
  add(pack: ListedPack): void {
    this.#packs.push(pack);
    this.#blobCount += pack.blobs.length;
    if (this.#blobCount >= (this.#options.maxBlobs ?? blobsPerIndexFile)) this.#startSave();
    else this.#timer ??= setTimeout(() => this.#startSave(), this.#options.maxAgeMs ?? indexFileMaxAgeMs).unref();
  }

  /** Resolves when every pack given so far is in a saved file. @throws the first error of a save. */
  async flush(): Promise<void> {
    this.#startSave();
    await Promise.all(this.#saves);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #startSave(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#packs.length === 0) return;
    const packs = this.#packs;
    this.#packs = [];
    this.#blobCount = 0;
    const save = this.#save(packs).catch((error: unknown) => {
      if (this.#failure === undefined) this.#options.onFailed?.(error);
      this.#failure ??= error;
    });
    this.#saves.add(save);
    void save.finally(() => this.#saves.delete(save));
  }

  async #save(packs: readonly ListedPack[]): Promise<void> {
    const id = await this.#options.save(encodeIndexFile(packs));
    this.#options.onSaved(
      packs.map((pack) => pack.id),
      id,
    );
  }
}
