// In the worker: window of a file → chunks → ids, and sealed blobs of those that nobody has yet. Plaintext stays here.
import type { Chunker } from "../chunker/chunker.ts";
import { sha256Into } from "../crypto/sha256.ts";
import { idBytes } from "../format/id.ts";
import type { BlobSealer } from "./blob-sealer.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import { type RunTicket, throwIfRunCancelled } from "./messages.ts";
import type { SealedSlab } from "./sealed-slab.ts";
import { type WindowCuts, WindowCutter } from "./window-cutter.ts";

export class ChunkSealer {
  readonly #cutter: WindowCutter;
  readonly #sealer: BlobSealer;
  readonly #known: KnownBlobs;
  /** Ids of chunks of zeros, by length. */
  readonly #zeroIds = new Map<number, Buffer>();

  constructor(chunker: Chunker, sealer: BlobSealer, known: KnownBlobs) {
    this.#cutter = new WindowCutter(chunker);
    this.#sealer = sealer;
    this.#known = known;
  }

  /** Memory to read a window into, see Chunker. */
  window(bytes: number): Buffer {
    return this.#cutter.window(bytes);
  }

  cut(window: Uint8Array, isLast: boolean, afterZeroChunk: boolean): WindowCuts {
    return this.#cutter.cut(window, isLast, afterZeroChunk);
  }

  /**
   * Hashes the chunks and seals the unknown ones.
   * @returns their ids, 32 bytes each.
   * @throws RepositoryError "cancelled" between two chunks.
   */
  seal(run: RunTicket, window: Uint8Array, cuts: WindowCuts, slab: SealedSlab): Buffer {
    const ids = Buffer.allocUnsafe(cuts.chunks.length * idBytes);
    for (const [index, chunk] of cuts.chunks.entries()) {
      throwIfRunCancelled(run);
      const bytes = window.subarray(chunk.start, chunk.end);
      const id = ids.subarray(index * idBytes, (index + 1) * idBytes);
      if (chunk.isZero) id.set(this.#zeroId(bytes));
      else sha256Into(bytes, id);
      if (this.#known.claim(run, "data", id)) this.#sealer.seal("data", id, bytes, slab);
    }
    return ids;
  }

  #zeroId(zeros: Uint8Array): Buffer {
    let id = this.#zeroIds.get(zeros.length);
    if (id === undefined) {
      id = Buffer.alloc(idBytes);
      sha256Into(zeros, id);
      this.#zeroIds.set(zeros.length, id);
    }
    return id;
  }
}
