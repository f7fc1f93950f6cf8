// Takes what is intact out of damaged packs: stores it anew and indexed, makes the index forget the packs, then deletes
// them. The caller gets each pack's bytes first, for a copy: what is lost here may be found by other means.

import { RepositoryError } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import { openBlob } from "../pack/open-blob.ts";
import { readPackHeader } from "../pack/pack-reader.ts";
import { type BlobUploader, withBlobUploader } from "../repository/blob-uploader.ts";
import type { Repository } from "../repository/repository.ts";
import { keyOf } from "../storage/key-layout.ts";
import { deletePacks } from "./delete-packs.ts";
import { type ExclusiveLockOptions, underExclusiveLock } from "./exclusive-lock.ts";
import { isLoss } from "./lost-data.ts";
import { type PackRun, runsOf } from "./pack-runs.ts";
import { rewriteIndexFiles } from "./rewrite-index.ts";

/** Read at a time for a copy of a pack. */
const copyBytes: number = 8 * 1024 * 1024;

/** What becomes of the damaged packs. */
export interface RepairPacksOptions extends Omit<ExclusiveLockOptions, "lock"> {
  /** Keeps a copy of a pack; nothing is changed before all copies are kept. `parts` are its bytes in order. */
  readonly keepCopy: (id: PackId, parts: AsyncIterable<Buffer>) => Promise<void>;
  /** A blob of which no intact copy was found, neither in the pack nor elsewhere. */
  readonly onLost?: ((blob: PackedBlob, error: RepositoryError) => void) | undefined;
  /** A pack that could not be deleted; the next prune tries again. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Counts of blobs. */
export interface RepairPacksResult {
  readonly salvagedBlobs: number;
  readonly lostBlobs: number;
}

/**
 * Repairs the packs, under an exclusive lock.
 * @throws RepositoryError "pack-missing" when one of them is not in the store, before anything is changed; "lock-held";
 *   what `keepCopy`, reading the index and writing throws.
 */
export async function repairPacks(
  repo: Repository,
  packs: readonly PackId[],
  options: RepairPacksOptions,
): Promise<RepairPacksResult> {
  return await underExclusiveLock(repo, options, (locked) => repairLocked(repo, [...new Set(packs)], locked));
}

async function repairLocked(
  repo: Repository,
  packs: readonly PackId[],
  options: RepairPacksOptions,
): Promise<RepairPacksResult> {
  const { signal } = options;
  await repo.refreshIndex(signal);
  const sizes = new Map<PackId, number>();
  for (const id of packs) sizes.set(id, await sizeOf(repo, id, signal));
  for (const [id, sizeBytes] of sizes) await options.keepCopy(id, partsOf(repo, id, sizeBytes, signal));
  const salvage = new Salvage(repo, options);
  await withBlobUploader(repo, { signal, storeKnown: true }, async (uploader) => {
    const waiting = new Map(sizes);
    const take = async (id: PackId, indexed: readonly PackedBlob[]): Promise<void> => {
      await salvage.take({ id, sizeBytes: sizes.get(id) ?? 0, indexed }, uploader);
      waiting.delete(id);
      options.onProgress?.(packs.length - waiting.size, packs.length);
    };
    for (const { id, blobs } of repo.index.packs((id) => sizes.has(id))) await take(id, blobs);
    for (const id of waiting.keys()) await take(id, []);
  });
  await rewriteIndexFiles(repo, new Set(packs), { signal });
  await deletePacks(repo, packs, options);
  await repo.refreshIndex(signal);
  return { salvagedBlobs: salvage.salvagedBlobs, lostBlobs: salvage.lostBlobs };
}

async function sizeOf(repo: Repository, id: PackId, signal: AbortSignal | undefined): Promise<number> {
  try {
    return (await repo.storage.stat(keyOf("pack", id), { signal })).sizeBytes;
  } catch (error) {
    if (!RepositoryError.is(error, "object-missing")) throw error;
    const message = `pack ${id} is not in the store; nothing was changed`;
    throw new RepositoryError("pack-missing", message, { details: { pack: id }, cause: error });
  }
}

async function* partsOf(
  repo: Repository,
  id: PackId,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  for (let offset = 0; offset < sizeBytes; offset += copyBytes) {
    yield await repo.readPackRange(id, offset, Math.min(copyBytes, sizeBytes - offset), signal);
  }
}

interface DamagedPack {
  readonly id: PackId;
  readonly sizeBytes: number;
  /** What the index says of it. */
  readonly indexed: readonly PackedBlob[];
}

class Salvage {
  salvagedBlobs = 0;
  lostBlobs = 0;
  readonly #repo: Repository;
  readonly #options: RepairPacksOptions;
  /** Blobs that are settled: stored anew, once, or known to be lost. */
  readonly #settled = new Map<string, "salvaged" | "lost">();

  constructor(repo: Repository, options: RepairPacksOptions) {
    this.#repo = repo;
    this.#options = options;
  }

  /** Stores every blob of the pack that can still be read, there or elsewhere. */
  async take({ id, sizeBytes, indexed }: DamagedPack, uploader: BlobUploader): Promise<void> {
    // The index may be wrong or incomplete, and the header may be what is damaged: what either knows is tried.
    for (const blobs of [indexed, await this.#header(id, sizeBytes)]) {
      for (const run of runsOf(blobs)) await this.#takeRun(id, run, uploader);
    }
    this.salvagedBlobs = [...this.#settled.values()].filter((end) => end === "salvaged").length;
    this.lostBlobs = this.#settled.size - this.salvagedBlobs;
  }

  async #header(id: PackId, sizeBytes: number): Promise<readonly PackedBlob[]> {
    const { storage, sealer } = this.#repo;
    try {
      return await readPackHeader({ storage, sealer, signal: this.#options.signal }, id, sizeBytes);
    } catch (error) {
      if (isLoss(error)) return [];
      throw error;
    }
  }

  async #takeRun(id: PackId, run: PackRun, uploader: BlobUploader): Promise<void> {
    const bytes = await this.#tryTo(() => this.#repo.readPackRange(id, run.offset, run.length, this.#options.signal));
    for (const blob of run.blobs) {
      const name = `${blob.type} ${blob.id}`;
      if (this.#settled.get(name) === "salvaged") continue;
      const start = blob.offset - run.offset;
      const sealed = RepositoryError.is(bytes) ? undefined : bytes.subarray(start, start + blob.length);
      const found = await this.#load(blob, sealed);
      if (!RepositoryError.is(found)) {
        await uploader.saveBlob(blob.type, found);
        this.#settled.set(name, "salvaged");
      } else if (!this.#settled.has(name)) {
        this.#settled.set(name, "lost");
        this.#options.onLost?.(blob, found);
      }
    }
  }

  /** From these bytes, or from wherever the index has it; a pack that was cut short still has its first blobs. */
  async #load(blob: PackedBlob, sealed: Buffer | undefined): Promise<Buffer | RepositoryError> {
    if (sealed !== undefined) {
      const opened = await this.#tryTo(async () => openBlob(this.#repo.sealer, blob, sealed));
      if (!RepositoryError.is(opened)) return opened;
    }
    return await this.#tryTo(() => this.#repo.loadBlob(blob, this.#options.signal));
  }

  /** What is gone for good comes back as the error; a store that does not answer ends the repair. */
  async #tryTo(read: () => Promise<Buffer>): Promise<Buffer | RepositoryError> {
    try {
      return await read();
    } catch (error) {
      if (isLoss(error)) return error;
      throw error;
    }
  }
}
