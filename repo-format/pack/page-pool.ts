// Memory of packs, a page at a time: pages of a pack that is stored are filled again with the next one. Aligned, so that a
// store on a disk can write them past the page cache.
import { allocateAligned } from "../native/aligned-memory.ts";

/** Small enough that an unfinished pack takes hardly more than it holds. */
export const pageBytes: number = 1024 * 1024;

/** Two packs full: what is given back while the next ones grow. */
const mostSpares = 32;

/**
 * Freed and taken anew, each 4 KiB of a page would cost a fault: a third of all system time of a backup. Left to the
 * garbage collector, which sees memory outside of its heap too late, pages would pile up to a hundred megabytes.
 */
export class PagePool {
  readonly #spares: Buffer<ArrayBuffer>[] = [];
  #isClosed = false;

  take(): Buffer<ArrayBuffer> {
    return this.#spares.pop() ?? allocateAligned(pageBytes);
  }

  /** Nobody may use the page afterwards. */
  give(page: Buffer<ArrayBuffer>): void {
    if (!this.#isClosed && this.#spares.length < mostSpares) this.#spares.push(page);
    else page.buffer.transfer(0);
  }

  /** Frees what is kept, and from now on whatever is given back. */
  close(): void {
    this.#isClosed = true;
    for (const page of this.#spares.splice(0)) page.buffer.transfer(0);
  }
}
