// Tells whether two index files say the same of a pack: a short hash of its entries, and a table of the packs met so far.

import { IdTable } from "../index/id-table.ts";
import { entryWords, type IndexFileEntries } from "../index/index-file-entries.ts";
import type { IdWords } from "../index/shared-table-segment.ts";

/**
 * Equal for the same set of entries in any order; 53 bits. Entries are mixed word by word (as MurmurHash3 does) and added
 * up, which took 0.1 µs a blob where SHA-256 of a text of them took 3.5. Good against chance, which is all there is to fear:
 * nobody without the key can write an index.
 */
export function hashOfPack(entries: IndexFileEntries, place: number): number {
  const words = entries.words(entries.packs[place]?.firstEntry ?? 0, entries.endOfPack(place));
  let [low, high] = [0, 0];
  for (let at = 0; at < words.length; at += entryWords) {
    let [a, b] = [0x2f0b4f47, 0x8f1bbcdc];
    for (let word = at; word < at + entryWords; word++) {
      const value = words[word] as number;
      a = mix(a ^ Math.imul(value, 0xcc9e2d51));
      b = mix(b ^ Math.imul(value, 0x1b873593));
    }
    low = (low + a) >>> 0;
    high = (high + b) >>> 0;
  }
  return (high >>> 11) * 2 ** 32 + low;
}

/** Spreads each bit over all of the number. */
function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export interface MetPack {
  readonly hash: number;
  /** Number of the index file, as the caller counts them. */
  readonly file: number;
}

/** The packs met so far, about 60 bytes each: numbers instead of objects, for there may be millions. */
export class MetPacks {
  readonly #packs = new IdTable();
  /** By pack number. */
  readonly #hashes: number[] = [];
  readonly #files: number[] = [];

  /** Remembers the pack, or answers what was remembered of it. */
  meet(id: IdWords, pack: MetPack): MetPack | undefined {
    const known = this.#packs.find(id);
    if (known >= 0) return { hash: this.#hashes[known] ?? 0, file: this.#files[known] ?? 0 };
    this.#packs.add(id);
    this.#hashes.push(pack.hash);
    this.#files.push(pack.file);
    return undefined;
  }
}
