// Tells which of some sealed blobs are right, here or in the threads, and leaves their bytes as they are: for those who
// store the same bytes elsewhere.

import { RepositoryError } from "../errors.ts";
import type { PackedBlob } from "../format/blob.ts";
import { idToBytes } from "../format/id.ts";
import type { MasterKey } from "../format/key-file.ts";
import { ownsMemory } from "../native/aligned-memory.ts";
import { BlobOpener } from "../workers/blob-opener.ts";
import type { BlobWorkerPool } from "../workers/blob-worker-pool.ts";

/** Handing less than this to a thread takes longer than opening it here. */
const threadBytes: number = 256 * 1024;

/** Sealed blobs of one range of a pack. */
export interface SealedRange {
  /** Where it begins in the pack. */
  readonly offset: number;
  readonly bytes: Buffer;
  readonly blobs: readonly PackedBlob[];
}

export interface VerifiedRange {
  /** The same bytes, perhaps in other hands: those that were given must not be used any more. */
  readonly bytes: Buffer;
  /** Places in the list of blobs; damaged are those that do not open to what their id says. */
  readonly damaged: ReadonlySet<number>;
}

export class SealedVerifier {
  readonly #pool: Pick<BlobWorkerPool, "restoreBlobs"> | undefined;
  readonly #opener: BlobOpener;

  /** @param pool without it, and for small ranges, the blobs are opened in this thread. */
  constructor(key: MasterKey, pool: Pick<BlobWorkerPool, "restoreBlobs"> | undefined) {
    this.#pool = pool;
    this.#opener = new BlobOpener(key);
  }

  async verify(range: SealedRange): Promise<VerifiedRange> {
    if (this.#pool === undefined || range.bytes.length < threadBytes) return this.#verifyHere(range);
    const { offset, bytes, blobs } = range;
    // Moved to the thread and back, not copied, where the memory is this range's alone.
    const givesBack = ownsMemory(bytes);
    const task = {
      kind: "verify",
      sealed: bytes,
      blobs: Uint32Array.from(blobs.flatMap((blob) => [blob.offset - offset, blob.length, blob.uncompressedLength])),
      ids: Buffer.from(blobs.map(({ id }) => id).join(""), "hex"),
      types: blobs.map(({ type }) => type),
      givesBack,
    } as const;
    const result = await this.#pool.restoreBlobs(task, givesBack ? [bytes.buffer] : []);
    if (result.kind !== "verified") throw new Error(`bug: a thread answered "${result.kind}" to "verify"`);
    const { sealed = bytes } = result;
    return {
      bytes: Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength),
      damaged: new Set(result.failures.map(({ blob }) => blob)),
    };
  }

  #verifyHere({ offset, bytes, blobs }: SealedRange): VerifiedRange {
    const damaged = new Set<number>();
    for (const [place, blob] of blobs.entries()) {
      const start = blob.offset - offset;
      if (!this.#isRight(blob, bytes.subarray(start, start + blob.length))) damaged.add(place);
    }
    return { bytes, damaged };
  }

  #isRight(blob: PackedBlob, sealed: Buffer): boolean {
    try {
      this.#opener.open({ ...blob, id: idToBytes(blob.id) }, sealed);
      return true;
    } catch (error) {
      if (RepositoryError.is(error, "blob-damaged")) return false;
      throw error;
    }
  }
}
