// Where a window of a file is cut into chunks, so that the cuts do not depend on the windows: they are those of the whole
// file. On top of the chunker it has one rule of its own for runs of zeros, which keeps holes cheap and restic's
// `restore --sparse` working: a run that begins at a cut becomes one chunk of the minimum size, then chunks of the maximum.
import type { Chunker } from "../chunker/chunker.ts";

/** One chunk of a window; `isZero` when it came from the rule for zeros. */
export interface WindowChunk {
  readonly start: number;
  readonly end: number;
  readonly isZero: boolean;
}

export interface WindowCuts {
  readonly chunks: readonly WindowChunk[];
  /** Where the next window begins. */
  readonly end: number;
  /** The last chunk was one of zeros: its run goes on with chunks of the maximum size. */
  readonly afterZeroChunk: boolean;
}

export class WindowCutter {
  readonly #chunker: Chunker;
  readonly #zeros: Buffer;

  constructor(chunker: Chunker) {
    this.#chunker = chunker;
    this.#zeros = Buffer.alloc(chunker.maxBytes);
  }

  /** Memory to read a window into, see Chunker. */
  window(bytes: number): Buffer {
    return this.#chunker.window(bytes);
  }

  /**
   * Cuts a window that begins at a cut of its file.
   * @param window at least the chunker's maximum, unless it reaches to the end of the file.
   * @param isLast the file ends with this window: everything is cut.
   * @param afterZeroChunk of the window before; false at the beginning of a file.
   */
  cut(window: Uint8Array, isLast: boolean, afterZeroChunk: boolean): WindowCuts {
    const chunks: WindowChunk[] = [];
    let position = 0;
    let inZeros = afterZeroChunk;
    while (position < window.length) {
      const zeroBytes = inZeros ? this.#chunker.maxBytes : this.#chunker.minBytes;
      const left = window.length - position;
      if (left < zeroBytes && !isLast && this.#isZeroRun(window, position, left)) break;
      if (left >= zeroBytes && this.#isZeroRun(window, position, zeroBytes)) {
        chunks.push({ start: position, end: position + zeroBytes, isZero: true });
        position += zeroBytes;
        inZeros = true;
        continue;
      }
      const next = this.#cutData(window, position, isLast, chunks);
      if (next === position) break;
      position = next;
      inZeros = false;
    }
    return { chunks, end: position, afterZeroChunk: inZeros };
  }

  /** Adds chunks up to the end of what is certain, or up to a cut at which a run of zeros begins. */
  #cutData(window: Uint8Array, start: number, isLast: boolean, chunks: WindowChunk[]): number {
    let position = start;
    for (const cut of this.#chunker.cut(window.subarray(start), true)) {
      const end = start + cut;
      // FastCDC looks at nothing behind the cut: only one that the window's end may have forced is uncertain.
      const isCertain = isLast || end < window.length || end - position === this.#chunker.maxBytes;
      if (!isCertain) return position;
      chunks.push({ start: position, end, isZero: false });
      position = end;
      const ahead = Math.min(window.length - position, this.#chunker.minBytes);
      if (ahead > 0 && this.#isZeroRun(window, position, ahead)) return position;
    }
    return position;
  }

  /** memcmp against zeros: the first byte decides for nearly all data. */
  #isZeroRun(window: Uint8Array, position: number, bytes: number): boolean {
    if (window[position] !== 0) return false;
    return this.#zeros.compare(window, position, position + bytes, 0, bytes) === 0;
  }
}
