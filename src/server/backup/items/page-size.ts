// How many objects to ask for at once: enough to keep requests few, few enough to keep the answer small, whatever the objects
// weigh. A page of five hundred Secrets of a megabyte each would not fit into the server's memory.

const smallest = 10;
const largest = 200;
const wantedBytes = 1024 * 1024;

export class PageSize {
  #size = 50;
  #bytes = 0;
  #objects = 0;

  /** For the next page: what the last one weighed decides, and it at most doubles. */
  next(): number {
    if (this.#objects > 0) {
      const fitting = Math.floor(wantedBytes / (this.#bytes / this.#objects));
      this.#size = Math.max(smallest, Math.min(largest, 2 * this.#size, fitting));
    }
    this.#bytes = 0;
    this.#objects = 0;
    return this.#size;
  }

  count(bytes: number): void {
    this.#bytes += bytes;
    this.#objects++;
  }
}
