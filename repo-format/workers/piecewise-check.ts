// In the worker: whether a sealed blob opens to its plaintext, looked at piece by piece. A chunk of 4 MiB would take its own
// size twice in each thread, opened and unpacked; so it takes a few blocks, which stay in the processor's second cache.
import { createFrameComparer } from "../compression/zstd.ts";
import type { FrameComparer } from "../compression/zstd-library.ts";
import type { Sealer } from "../crypto/seal.ts";

/** Blobs up to here are better looked at whole. */
export const pieceBytes: number = 128 * 1024;

export class PiecewiseCheck {
  readonly #sealer: Pick<Sealer, "openPieces">;
  readonly #memory: Buffer = Buffer.allocUnsafeSlow(pieceBytes);
  #comparer: FrameComparer | undefined;

  constructor(sealer: Pick<Sealer, "openPieces">) {
    this.#sealer = sealer;
  }

  /** @throws RepositoryError "authentication-failed" */
  opensTo(sealed: Uint8Array, plaintext: Uint8Array, isCompressed: boolean): boolean {
    return isCompressed ? this.#unpacksTo(sealed, plaintext) : this.#isSame(sealed, plaintext);
  }

  #unpacksTo(sealed: Uint8Array, plaintext: Uint8Array): boolean {
    this.#comparer ??= createFrameComparer();
    const comparer = this.#comparer;
    comparer.begin(plaintext);
    return this.#sealer.openPieces(sealed, this.#memory, (piece) => comparer.take(piece)) && comparer.end();
  }

  #isSame(sealed: Uint8Array, plaintext: Uint8Array): boolean {
    let at = 0;
    const isNext = (piece: Buffer): boolean => {
      const end = at + piece.length;
      const isSame = end <= plaintext.length && piece.compare(plaintext, at, end) === 0;
      at = end;
      return isSame;
    };
    return this.#sealer.openPieces(sealed, this.#memory, isNext) && at === plaintext.length;
  }
}
