// Moves blobs into new packs. Each blob is opened and compared with its id on the way; its sealed bytes are taken over as
// they are, unless it has to be compressed.

import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { type PackedBlob, plaintextLength } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import type { IndexedPack } from "../index/blob-index.ts";
import { openBlob } from "../pack/open-blob.ts";
import { type BlobUploader, withBlobUploader } from "../repository/blob-uploader.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { type PackRun, runsOf } from "./pack-runs.ts";

export interface RepackOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((packsDone: number, packs: number) => void) | undefined;
}

/**
 * Stores blobs anew and saves the index of the new packs.
 * @param packs where to read them.
 * @param keepBlobs 1 by blob number: must be stored anew, once; all zero afterwards.
 * @throws RepositoryError "blob-damaged", "blob-missing" when no copy of a blob is good; what is stored by then is
 *   indexed, and nothing else has changed.
 */
export async function repack(
  repo: Repository,
  packs: ReadonlySet<PackId>,
  keepBlobs: Uint8Array,
  options: RepackOptions = {},
): Promise<void> {
  const { signal } = options;
  await withBlobUploader(repo, { signal, storeKnown: true }, async (uploader) => {
    // One connection stays free for uploads.
    const limit = Math.max(1, repo.storage.connections - 1);
    const step = (pack: IndexedPack): Promise<void> => new PackCopy(repo, uploader, signal).copy(pack, keepBlobs);
    let done = 0;
    for await (const _ of boundedParallel(
      repo.index.packs((id) => packs.has(id)),
      { limit, signal },
      step,
    )) {
      options.onProgress?.(++done, packs.size);
    }
  });
  if (keepBlobs.includes(1)) throw new Error("bug: used blobs were not repacked; nothing was deleted");
}

class PackCopy {
  readonly #repo: Repository;
  readonly #uploader: BlobUploader;
  readonly #signal: AbortSignal | undefined;

  constructor(repo: Repository, uploader: BlobUploader, signal: AbortSignal | undefined) {
    this.#repo = repo;
    this.#uploader = uploader;
    this.#signal = signal;
  }

  async copy(pack: IndexedPack, keepBlobs: Uint8Array): Promise<void> {
    const wanted = pack.blobs.filter(({ type, id }) => {
      // Claimed at once: of a blob that lies in two of the packs only one copy is stored.
      const number = this.#repo.index.positionOf(type, id);
      const isWanted = keepBlobs[number] === 1;
      if (isWanted) keepBlobs[number] = 0;
      return isWanted;
    });
    for (const run of runsOf(wanted)) {
      throwIfCancelled(this.#signal);
      const bytes = await this.#read(pack.id, run);
      for (const blob of run.blobs) {
        const start = blob.offset - run.offset;
        await this.#store(blob, bytes?.subarray(start, start + blob.length));
      }
    }
  }

  /** The sealed bytes; undefined when the pack does not have them: the blobs may lie elsewhere, too. */
  async #read(packId: PackId, run: PackRun): Promise<Buffer | undefined> {
    try {
      return await this.#repo.readPackRange(packId, run.offset, run.length, this.#signal);
    } catch (error) {
      if (RepositoryError.is(error, "pack-missing") || RepositoryError.is(error, "pack-damaged")) return undefined;
      throw error;
    }
  }

  async #store(blob: PackedBlob, sealed: Buffer | undefined): Promise<void> {
    const { type, id, uncompressedLength } = blob;
    const plaintext = sealed === undefined ? undefined : this.#open(blob, sealed);
    if (sealed === undefined || plaintext === undefined) {
      // Damaged here; another copy may be good.
      await this.#uploader.saveBlob(type, await this.#repo.loadBlob(blob, this.#signal));
    } else if (this.#wantsCompression(blob)) {
      await this.#uploader.saveBlob(type, plaintext);
    } else {
      // A copy: a small blob must not keep the whole run in memory until its pack is stored.
      const own = Buffer.from(sealed);
      await this.#uploader.add({ type, id, sealed: own, uncompressedLength, plaintextLength: plaintextLength(blob) });
    }
  }

  #open(blob: PackedBlob, sealed: Buffer): Buffer | undefined {
    try {
      return openBlob(this.#repo.sealer, blob, sealed);
    } catch (error) {
      if (RepositoryError.is(error, "blob-damaged")) return undefined;
      throw error;
    }
  }

  #wantsCompression(blob: PackedBlob): boolean {
    if (this.#repo.version < 2 || blob.uncompressedLength !== 0 || plaintextLength(blob) === 0) return false;
    return blob.type === "tree" || this.#repo.options.compression !== "off";
  }
}
