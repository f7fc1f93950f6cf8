// Moves blobs into new packs. Each blob is opened and compared with its id on the way, by threads when there are many; its
// sealed bytes are taken over as they are, for the key is the same, unless it has to be compressed. A whole prune of 40,000
// small files with 30 % garbage took 2.4 s and 3.3 s of processor time on two cores; with everything in one thread, pack
// after pack and compressed anew where it was not, 3.9 and 4.5; restic 4.4 and 5.0. Peak memory 222 MiB, 210 before.

import { RepositoryError } from "../errors.ts";
import { type PackedBlob, plaintextLength } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import { freeMemory } from "../native/free-memory.ts";
import { openBlob } from "../pack/open-blob.ts";
import { type BlobUploader, withBlobUploader } from "../repository/blob-uploader.ts";
import { boundedParallel } from "../repository/bounded-parallel.ts";
import type { Repository } from "../repository/repository.ts";
import { type BlobWorkerPool, createBlobWorkerPool } from "../workers/blob-worker-pool.ts";
import { type PackRun, runsOf } from "./pack-runs.ts";
import type { PrunePlan } from "./prune-plan.ts";
import { SealedVerifier } from "./verify-sealed.ts";

export interface RepackOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((packsDone: number, packs: number) => void) | undefined;
  /** Compress data that is stored uncompressed; trees always are. */
  readonly repackUncompressed?: boolean | undefined;
  /** That open the blobs, at most; default: the cores. */
  readonly threads?: number | undefined;
  /** For tests: packs of so many bytes are opened by threads; default 64 MiB. */
  readonly threadedBytes?: number | undefined;
}

/** Threads take a fifth of a second to start, in which this much is read and opened without them. */
const defaultThreadedBytes: number = 64 * 1024 * 1024;

/** Runs that are read, opened or stored at a time; each has 4 MiB unless a single blob is larger. */
const runsAtATime = 6;

/**
 * Stores blobs anew and saves the index of the new packs.
 * @param plan where to read them, and which: `keepBlobs` is all zero afterwards.
 * @throws RepositoryError "blob-damaged", "blob-missing" when no copy of a blob is good, "worker-failed"; what is stored by
 *   then is indexed, and nothing else has changed.
 */
export async function repack(
  repo: Repository,
  plan: Pick<PrunePlan, "repack" | "keepBlobs" | "stats">,
  options: RepackOptions = {},
): Promise<void> {
  const { signal, threadedBytes = defaultThreadedBytes } = options;
  const pool = plan.stats.bytes.repack >= threadedBytes ? createBlobWorkerPool(repo, options.threads) : undefined;
  try {
    await withBlobUploader(repo, { signal, storeKnown: true }, (uploader) =>
      new Repacking(repo, uploader, { ...options, pool }).run(new Set(plan.repack), plan.keepBlobs),
    );
  } finally {
    await pool?.close();
  }
  if (plan.keepBlobs.includes(1)) throw new Error("bug: used blobs were not repacked; nothing was deleted");
}

/** Wanted blobs that lie close together; a pack of which nothing is wanted has no run. */
interface Piece {
  readonly packId: PackId;
  readonly run: PackRun | undefined;
  readonly isLastOfPack: boolean;
}

/** A piece after it was read; no bytes: the pack does not have them. */
interface ReadPiece extends Piece {
  readonly bytes?: Buffer | undefined;
  /** Places in the list of blobs. */
  readonly damaged?: ReadonlySet<number> | undefined;
}

class Repacking {
  readonly #repo: Repository;
  readonly #uploader: BlobUploader;
  readonly #options: RepackOptions;
  readonly #verifier: SealedVerifier;

  constructor(
    repo: Repository,
    uploader: BlobUploader,
    options: RepackOptions & { readonly pool: BlobWorkerPool | undefined },
  ) {
    this.#repo = repo;
    this.#uploader = uploader;
    this.#options = options;
    this.#verifier = new SealedVerifier(repo.masterKey, options.pool);
  }

  async run(packs: ReadonlySet<PackId>, keepBlobs: Uint8Array): Promise<void> {
    const { signal, onProgress } = this.#options;
    const read = (piece: Piece): Promise<ReadPiece> => this.#read(piece);
    let done = 0;
    for await (const piece of boundedParallel(this.#pieces(packs, keepBlobs), { limit: runsAtATime, signal }, read)) {
      await this.#store(piece);
      if (piece.isLastOfPack) onProgress?.(++done, packs.size);
    }
  }

  *#pieces(packs: ReadonlySet<PackId>, keepBlobs: Uint8Array): Generator<Piece> {
    const { index } = this.#repo;
    for (const { id: packId, blobs } of index.packs((id) => packs.has(id))) {
      const wanted = blobs.filter(({ type, id }) => {
        // Claimed at once: of a blob that lies in two of the packs only one copy is stored.
        const number = index.positionOf(type, id);
        const isWanted = keepBlobs[number] === 1;
        if (isWanted) keepBlobs[number] = 0;
        return isWanted;
      });
      const runs = runsOf(wanted);
      if (runs.length === 0) yield { packId, run: undefined, isLastOfPack: true };
      for (const run of runs) yield { packId, run, isLastOfPack: run === runs.at(-1) };
    }
  }

  async #read(piece: Piece): Promise<ReadPiece> {
    const { packId, run } = piece;
    if (run === undefined) return piece;
    const { offset, length, blobs } = run;
    try {
      const bytes = await this.#repo.readPackRange(packId, offset, length, this.#options.signal);
      return { ...piece, ...(await this.#verifier.verify({ offset, bytes, blobs })) };
    } catch (error) {
      // The blobs may lie elsewhere, too.
      if (RepositoryError.is(error, "pack-missing") || RepositoryError.is(error, "pack-damaged")) return piece;
      throw error;
    }
  }

  async #store({ run, bytes, damaged }: ReadPiece): Promise<void> {
    if (run === undefined) return;
    for (const [place, blob] of run.blobs.entries()) {
      const start = blob.offset - run.offset;
      const isRight = bytes !== undefined && !damaged?.has(place);
      await this.#storeBlob(blob, isRight ? bytes.subarray(start, start + blob.length) : undefined);
    }
    if (bytes !== undefined) freeMemory(bytes);
  }

  /** @param sealed undefined when it is damaged here: another copy may be good. */
  async #storeBlob(blob: PackedBlob, sealed: Buffer | undefined): Promise<void> {
    const { type, id, uncompressedLength } = blob;
    if (sealed === undefined) {
      await this.#uploader.saveBlob(type, await this.#repo.loadBlob(blob, this.#options.signal));
    } else if (this.#wantsCompression(blob)) {
      await this.#uploader.saveBlob(type, openBlob(this.#repo.sealer, blob, sealed));
    } else {
      // The pack copies what it is given.
      await this.#uploader.add({ type, id, sealed, uncompressedLength, plaintextLength: plaintextLength(blob) });
    }
  }

  /**
   * Data that was stored uncompressed mostly does not compress, and stays so: to try again took a quarter of a prune. Who asks
   * for compression gets it for all, also where it saves nothing; otherwise the next one would move the same blobs again.
   */
  #wantsCompression(blob: PackedBlob): boolean {
    if (this.#repo.version < 2 || blob.uncompressedLength !== 0 || plaintextLength(blob) === 0) return false;
    return blob.type === "tree" || this.#options.repackUncompressed === true;
  }
}
