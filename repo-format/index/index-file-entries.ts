// The content of one index file between decoding and joining the index: numbers in typed arrays. Staged first, so that a
// file that turns out to be damaged halfway leaves nothing behind.
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { decodeIndexFile, type IndexVisitor } from "../format/index-file.ts";

/** Words of an entry: id (8), isTree, offset, sealed length, uncompressed length. */
export const entryWords = 12;

/** A pack's entries are those from `firstEntry` up to the next pack's `firstEntry`. */
interface StagedPack {
  readonly id: Uint32Array;
  readonly firstEntry: number;
}

export interface StagedEntry {
  readonly id: Uint32Array;
  readonly isTree: boolean;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

export class IndexFileEntries implements IndexVisitor {
  readonly packs: StagedPack[] = [];
  #words = new Uint32Array(entryWords * 1024);
  #bytes = new Uint8Array(this.#words.buffer);
  #count = 0;

  /** @throws RepositoryError "index-malformed" */
  static decode(json: Uint8Array): IndexFileEntries {
    const entries = new IndexFileEntries();
    decodeIndexFile(json, entries);
    return entries;
  }

  get count(): number {
    return this.#count;
  }

  pack(id: Uint8Array): void {
    const words = new Uint32Array(idBytes / 4);
    new Uint8Array(words.buffer).set(id);
    this.packs.push({ id: words, firstEntry: this.#count });
  }

  // biome-ignore lint/complexity/useMaxParams: called once a blob; an object each would be garbage by the million
  blob(type: BlobType, id: Uint8Array, offset: number, length: number, uncompressedLength: number): void {
    const at = this.#count++ * entryWords;
    if (at + entryWords > this.#words.length) this.#enlarge();
    this.#bytes.set(id, at * 4);
    this.#words[at + 8] = type === "tree" ? 1 : 0;
    this.#words[at + 9] = offset;
    this.#words[at + 10] = length;
    this.#words[at + 11] = uncompressedLength;
  }

  /** @returns the entry; its id is a view. */
  entryAt(index: number): StagedEntry {
    const at = index * entryWords;
    return {
      id: this.#words.subarray(at, at + 8),
      isTree: this.#words[at + 8] === 1,
      offset: this.#words[at + 9] ?? 0,
      length: this.#words[at + 10] ?? 0,
      uncompressedLength: this.#words[at + 11] ?? 0,
    };
  }

  /** All words of these entries, a view. */
  words(firstEntry: number, end: number): Uint32Array {
    return this.#words.subarray(firstEntry * entryWords, end * entryWords);
  }

  /** Index behind the last entry of the pack at this place of `packs`. */
  endOfPack(place: number): number {
    return this.packs[place + 1]?.firstEntry ?? this.#count;
  }

  #enlarge(): void {
    const larger = new Uint32Array(this.#words.length * 2);
    larger.set(this.#words);
    this.#words = larger;
    this.#bytes = new Uint8Array(larger.buffer);
  }
}
