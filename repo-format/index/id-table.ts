// Numbers for 32-byte ids: each new id gets the next number. Open addressing over typed arrays, about 40 bytes an id,
// because millions of packs in a Map of strings would cost several times as much.
import { idBytes } from "../format/id.ts";
import type { IdWords } from "./shared-table-segment.ts";

const idWords: number = idBytes / 4;

export class IdTable {
  #ids = new Uint32Array(idWords * 64);
  #slots = new Uint32Array(128);
  #count = 0;

  /** Numbers given out; the next one is this. */
  get count(): number {
    return this.#count;
  }

  /** The number that this id got last, or -1. */
  find(id: IdWords): number {
    const mask = this.#slots.length - 1;
    for (let slot = (id[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0 || this.#equals(number, id)) return number;
    }
  }

  /** Gives the id a new number, also when it has one: from now on `find` answers the new one. */
  add(id: IdWords): number {
    if (this.#count * 2 >= this.#slots.length) this.#rehash();
    if ((this.#count + 1) * idWords > this.#ids.length) this.#ids = enlarged(this.#ids);
    const number = this.#count++;
    this.#ids.set(id, number * idWords);
    this.#link(number);
    return number;
  }

  /** The id of a number; a view that is valid until the next `add`. */
  idAt(number: number): IdWords {
    return this.#ids.subarray(number * idWords, (number + 1) * idWords);
  }

  #equals(number: number, id: IdWords): boolean {
    const at = number * idWords;
    for (let word = 0; word < idWords; word++) if (this.#ids[at + word] !== id[word]) return false;
    return true;
  }

  #link(number: number): void {
    const id = this.idAt(number);
    const mask = this.#slots.length - 1;
    let slot = (id[0] ?? 0) & mask;
    while (this.#slots[slot] !== 0 && !this.#equals((this.#slots[slot] ?? 0) - 1, id)) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#count; number++) this.#link(number);
  }
}

function enlarged(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}
