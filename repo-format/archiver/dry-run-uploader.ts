// Stands in for the repository's uploader when nothing is to be stored: counts what would be.
import type { BlobType } from "../format/blob.ts";
import { type BlobId, idOf } from "../format/id.ts";
import { type BlobUploader, type SavedBlob, sealBlob, type UploadStats } from "../repository/blob-uploader.ts";
import type { Repository } from "../repository/repository.ts";
import type { SealedBlob } from "../workers/messages.ts";

export class DryRunUploader implements BlobUploader {
  readonly #repo: Repository;
  readonly #counted = new Set<string>();
  readonly #stats = { dataBlobs: 0, treeBlobs: 0, dataAddedBytes: 0, dataAddedPackedBytes: 0, waitedSeconds: 0 };

  constructor(repo: Repository) {
    this.#repo = repo;
  }

  get stats(): UploadStats {
    return this.#stats;
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.#counted.has(`${type}${id}`) || this.#repo.index.has(type, id);
  }

  async add({ type, id, sealed, plaintextLength }: SealedBlob): Promise<boolean> {
    if (this.has(type, id)) return false;
    this.#counted.add(`${type}${id}`);
    if (type === "data") this.#stats.dataBlobs++;
    else this.#stats.treeBlobs++;
    this.#stats.dataAddedBytes += plaintextLength;
    this.#stats.dataAddedPackedBytes += sealed.length;
    return true;
  }

  async saveBlob(type: BlobType, plaintext: Buffer): Promise<SavedBlob> {
    const id = idOf<BlobId>(plaintext);
    if (this.has(type, id)) return { id, isNew: false, storedBytes: 0 };
    const blob = sealBlob(this.#repo, { type, id }, plaintext);
    await this.add(blob);
    return { id, isNew: true, storedBytes: blob.sealed.length };
  }
}
