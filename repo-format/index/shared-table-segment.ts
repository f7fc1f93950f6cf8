// One piece of the shared blob table: a fixed hash table over a SharedArrayBuffer. One thread inserts, any number of
// threads look up at the same time: an entry is written whole before its slot is published with an atomic store, and of
// a published one nothing changes but that one word may mark it as removed. So a reader sees a finished entry or none.

/** 32-bit words of an entry: id (8), pack number and type (1), offset, sealed length, uncompressed length. */
export const entryWords = 12;
const idWords = 8;
const packWord = 8;
const offsetWord = 9;
const lengthWord = 10;
const uncompressedWord = 11;
const wordBytes = 4;

/** A slot holds the index of its entry plus one, and above that a piece of the id: most other entries need no look. */
const indexBits = 23;
const indexMask: number = 2 ** indexBits - 1;

/** Three quarters of the slots may be taken: short probe chains at 5.3 bytes of slots a blob. */
const fill = 0.75;

/** In the place of pack number and type: the entry was removed. No pack has this number. */
const removedMark = 0xffff_ffff;

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

  /** @param slotCount a power of two from 8 to 2^23. Memory is taken from the system as it is filled. */
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
    const slot = this.#findSlot(id, isTree, this.#firstSlot(id));
    return slot < 0 ? -1 : this.#indexIn(slot);
  }

  /** Appends the index of every entry of this blob, oldest first. */
  findAll(id: IdWords, isTree: boolean, found: number[]): void {
    let slot = this.#findSlot(id, isTree, this.#firstSlot(id));
    while (slot >= 0) {
      found.push(this.#indexIn(slot));
      slot = this.#findSlot(id, isTree, (slot + 1) & this.#mask);
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
    this.#publish(index, id);
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

  /** Takes an entry out; its place stays, and look-ups in any thread pass over it. */
  remove(index: number): void {
    Atomics.store(this.#entries, index * entryWords + packWord, removedMark);
  }

  isRemoved(index: number): boolean {
    return this.#entries[index * entryWords + packWord] === removedMark;
  }

  packNumberAt(index: number): number {
    return (this.#entries[index * entryWords + packWord] ?? 0) >>> 1;
  }

  /** The entry's id, a view that stays valid. */
  idAt(index: number): IdWords {
    return this.#entries.subarray(index * entryWords, index * entryWords + idWords);
  }

  /** The first slot from `from` on that stands for the blob, or -1. */
  #findSlot(id: IdWords, isTree: boolean, from: number): number {
    const slots = this.#slots;
    const tag = tagOf(id);
    for (let slot = from; ; slot = (slot + 1) & this.#mask) {
      // A plain look first, it is cheaper: a slot once taken stays as it is, and one seen empty a moment late is a miss.
      const value = slots[slot] ?? 0;
      if (value === 0) return -1;
      // The atomic look makes the entry visible that was written before the slot.
      if (value >>> indexBits === tag && this.#matches((Atomics.load(slots, slot) & indexMask) - 1, id, isTree))
        return slot;
    }
  }

  #indexIn(slot: number): number {
    return ((this.#slots[slot] ?? 0) & indexMask) - 1;
  }

  #firstSlot(id: IdWords): number {
    return (id[0] ?? 0) & this.#mask;
  }

  #matches(index: number, id: IdWords, isTree: boolean): boolean {
    const at = index * entryWords;
    const words = this.#entries;
    for (let word = 0; word < idWords; word++) if (words[at + word] !== id[word]) return false;
    const packAndType = words[at + packWord] ?? removedMark;
    return packAndType !== removedMark && (packAndType & 1) === (isTree ? 1 : 0);
  }

  #publish(index: number, id: IdWords): void {
    const slots = this.#slots;
    let slot = this.#firstSlot(id);
    while (slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    Atomics.store(slots, slot, tagOf(id) * 2 ** indexBits + index + 1);
  }
}

/** Nine bits of the id that do not choose the slot. */
function tagOf(id: IdWords): number {
  return (id[1] ?? 0) >>> indexBits;
}

function slotCountOf(byteLength: number): number {
  return byteLength / (wordBytes * (1 + fill * entryWords));
}
