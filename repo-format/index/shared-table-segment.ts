// One piece of the shared blob table: a fixed hash table over a SharedArrayBuffer. One thread inserts, any number of
// threads look up at the same time: an entry is written whole before its slot is published with an atomic store, and
// nothing is ever changed or removed in place, so a reader sees a finished entry or none.

/** 32-bit words of an entry: id (8), pack number and type (1), offset, sealed length, uncompressed length. */
export const entryWords = 12;
const idWords = 8;
const packWord = 8;
const offsetWord = 9;
const lengthWord = 10;
const uncompressedWord = 11;
const wordBytes = 4;

/** Three quarters of the slots may be taken: short probe chains at 5.3 bytes of slots a blob. */
const fill = 0.75;

/** An id as the table compares it: its 32 bytes as eight words in the machine's byte order. */
export type IdWords = Uint32Array;

/** One entry of the table, without its id. */
export interface TableEntry {
  readonly packNumber: number;
  readonly isTree: boolean;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export class SharedTableSegment {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly #slots: Uint32Array;
  readonly #entries: Uint32Array;
  readonly #mask: number;
  #count = 0;

  /** Takes the buffer of `create`, in this thread or in another one. Only the creating thread may insert. */
  constructor(buffer: SharedArrayBuffer) {
    const slotCount = slotCountOf(buffer.byteLength);
    this.buffer = buffer;
    this.capacity = slotCount * fill;
    this.#mask = slotCount - 1;
    this.#slots = new Uint32Array(buffer, 0, slotCount);
    this.#entries = new Uint32Array(buffer, slotCount * wordBytes, this.capacity * entryWords);
  }

  /** @param slotCount a power of two, 8 or more. Memory is taken from the system as it is filled. */
  static create(slotCount: number): SharedTableSegment {
    return new SharedTableSegment(new SharedArrayBuffer(slotCount * wordBytes * (1 + fill * entryWords)));
  }

  /** Entries inserted by this object; unknown (0) in other threads. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.capacity;
  }

  /** Index of the oldest entry of this blob, or -1. */
  find(id: IdWords, isTree: boolean): number {
    const slots = this.#slots;
    for (let slot = (id[0] ?? 0) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const published = Atomics.load(slots, slot);
      if (published === 0) return -1;
      if (this.#matches(published - 1, id, isTree)) return published - 1;
    }
  }

  /** Appends the index of every entry of this blob, oldest first. */
  findAll(id: IdWords, isTree: boolean, found: number[]): void {
    const slots = this.#slots;
    for (let slot = (id[0] ?? 0) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const published = Atomics.load(slots, slot);
      if (published === 0) return;
      if (this.#matches(published - 1, id, isTree)) found.push(published - 1);
    }
  }

  insert(id: IdWords, entry: TableEntry): void {
    if (this.isFull) throw new Error("bug: insertion into a full segment");
    const index = this.#count++;
    const at = index * entryWords;
    const words = this.#entries;
    for (let word = 0; word < idWords; word++) words[at + word] = id[word] ?? 0;
    words[at + packWord] = entry.packNumber * 2 + (entry.isTree ? 1 : 0);
    words[at + offsetWord] = entry.offset;
    words[at + lengthWord] = entry.length;
    words[at + uncompressedWord] = entry.uncompressedLength;
    this.#publish(index, id[0] ?? 0);
  }

  /** @param index from 0 to count − 1. */
  entryAt(index: number): TableEntry {
    const at = index * entryWords;
    const packAndType = this.#entries[at + packWord] ?? 0;
    return {
      packNumber: packAndType >>> 1,
      isTree: (packAndType & 1) === 1,
      offset: this.#entries[at + offsetWord] ?? 0,
      length: this.#entries[at + lengthWord] ?? 0,
      uncompressedLength: this.#entries[at + uncompressedWord] ?? 0,
    };
  }

  packNumberAt(index: number): number {
    return (this.#entries[index * entryWords + packWord] ?? 0) >>> 1;
  }

  /** The entry's id, a view that stays valid. */
  idAt(index: number): IdWords {
    return this.#entries.subarray(index * entryWords, index * entryWords + idWords);
  }

  #matches(index: number, id: IdWords, isTree: boolean): boolean {
    const at = index * entryWords;
    const words = this.#entries;
    for (let word = 0; word < idWords; word++) if (words[at + word] !== id[word]) return false;
    return ((words[at + packWord] ?? 0) & 1) === (isTree ? 1 : 0);
  }

  #publish(index: number, hash: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    Atomics.store(slots, slot, index + 1);
  }
}

function slotCountOf(byteLength: number): number {
  return byteLength / (wordBytes * (1 + fill * entryWords));
}
