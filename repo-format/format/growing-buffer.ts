// Text collected into one buffer that doubles when it is full; for trees and indexes, which can be larger than a string.

const usualBytes = 4096;
/** Open directories have one each; a deep tree's others are left to the garbage collector. */
const mostSpares = 64;

/** Memory of buffers that were freed: new memory for each of many small trees costs more than to write them. */
const spares: Buffer[] = [];

export class GrowingBuffer {
  #bytes: Buffer;
  #length: number = 0;

  constructor(initialBytes: number = usualBytes) {
    const spare = initialBytes === usualBytes ? spares.pop() : undefined;
    this.#bytes = spare ?? Buffer.allocUnsafeSlow(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends a text as UTF-8. */
  write(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  /** Appends a text that has only ASCII characters. */
  writeAscii(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  /** What was written, without a copy; valid until `free`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Gives the memory to later buffers; this one must not be used any more. */
  free(): void {
    if (this.#bytes.length === usualBytes && spares.length < mostSpares) spares.push(this.#bytes);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
  }

  /** What was written, a copy of the exact size in memory of its own, which may be transferred to another thread. */
  finish(): Buffer {
    const exact = Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(exact, 0, 0, this.#length);
    return exact;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
