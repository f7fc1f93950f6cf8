// Tells whether two index files say the same of a pack: a short hash of its entries, and a table of the packs met so far.

import { createHash } from "node:crypto";
import { IdTable } from "../index/id-table.ts";
import type { IndexFileEntries } from "../index/index-file-entries.ts";
import type { IdWords } from "../index/shared-table-segment.ts";

/** Equal for the same set of entries in any order; 48 bits. */
export function hashOfPack(entries: IndexFileEntries, place: number): number {
  const lines: string[] = [];
  for (let index = entries.packs[place]?.firstEntry ?? 0; index < entries.endOfPack(place); index++) {
    const { id, isTree, offset, length, uncompressedLength } = entries.entryAt(index);
    lines.push(`${offset} ${length} ${uncompressedLength} ${isTree} ${id.join(" ")}`);
  }
  return createHash("sha256").update(lines.sort().join("\n")).digest().readUIntBE(0, 6);
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
