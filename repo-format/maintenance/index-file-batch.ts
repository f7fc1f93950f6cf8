// Collects packs and saves them as index files of restic's size.

import { encodeIndexFile, type IndexPack } from "../format/index-file.ts";
import { blobsPerIndexFile } from "../index/index-writer.ts";
import type { Repository } from "../repository/repository.ts";

export class IndexFileBatch {
  readonly #repo: Pick<Repository, "saveUnpacked">;
  readonly #signal: AbortSignal | undefined;
  #packs: IndexPack[] = [];
  #blobCount = 0;

  constructor(repo: Pick<Repository, "saveUnpacked">, signal: AbortSignal | undefined) {
    this.#repo = repo;
    this.#signal = signal;
  }

  /** Saves a file whenever one is full. */
  async add(pack: IndexPack): Promise<void> {
    this.#packs.push(pack);
    this.#blobCount += pack.blobs.length;
    if (this.#blobCount >= blobsPerIndexFile) await this.save();
  }

  /** Saves what is left. */
  async save(): Promise<void> {
    if (this.#packs.length === 0) return;
    const packs = this.#packs;
    this.#packs = [];
    this.#blobCount = 0;
    await this.#repo.saveUnpacked("index", encodeIndexFile(packs), this.#signal);
  }
}
