// The table of all known blobs, in memory that every thread sees: about 54 bytes a blob, no object per blob. The main
// thread inserts (through blob-index.ts); workers ask `has` of a view. It grows by whole segments of doubling size, so
// nothing is ever rehashed. Removed entries keep their places until they are half of the table; then it is built anew,
// and every older view answers "unknown".
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { entryWords, type IdWords, SharedTableSegment, type TableEntry } from "./shared-table-segment.ts";

/** Slots of the first segment (49,152 blobs) and of the largest (6,291,456 blobs, 320 MiB). */
const firstSlotCount: number = 2 ** 16;
const lastSlotCount: number = 2 ** 23;

/** So few removed entries are never worth building the table anew. */
const minRemovedToCompact = 16_384;

const epochWord = 0;
const versionWord = 1;

/** What a worker needs to look at the table; survives structured clone. */
export interface SharedTableHandle {
  /** Two words: epoch and version. */
  readonly control: SharedArrayBuffer;
  readonly epoch: number;
  readonly version: number;
  readonly segments: readonly SharedArrayBuffer[];
}

/** Where an entry stands: `position` counts all entries of the table from 0, oldest first. */
export interface FoundEntry extends TableEntry {
  readonly position: number;
}

export class SharedBlobTable {
  readonly #control = new Uint32Array(new SharedArrayBuffer(8));
  #segments: SharedTableSegment[] = [];
  /** Position of the first entry of each segment. */
  #starts: number[] = [];
  readonly #smallestSlotCount: number;
  #removedCount = 0;

  /** @param smallestSlotCount slots of the first segment, a power of two; tests take small ones to see growth. */
  constructor(smallestSlotCount: number = firstSlotCount) {
    this.#smallestSlotCount = smallestSlotCount;
  }

  /** Entries, duplicates included. */
  get liveCount(): number {
    return this.count - this.#removedCount;
  }

  /** Positions are below this; those of removed entries stay empty. */
  get count(): number {
    const last = this.#segments.length - 1;
    return last < 0 ? 0 : (this.#starts[last] ?? 0) + (this.#segments[last]?.count ?? 0);
  }

  /** Bytes of memory that the table may come to use before it grows again. */
  get capacityBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.buffer.byteLength, 0);
  }

  /** Changes whenever a new `handle` would show more, or something else, than an older one. */
  get version(): number {
    return this.#control[versionWord] ?? 0;
  }

  /** Changes when the table was built anew: positions of before mean nothing any more. */
  get epoch(): number {
    return this.#control[epochWord] ?? 0;
  }

  handle(): SharedTableHandle {
    const segments = this.#segments.map((segment) => segment.buffer);
    return {
      control: this.#control.buffer as SharedArrayBuffer,
      epoch: this.epoch,
      version: this.version,
      segments,
    };
  }

  insert(id: IdWords, entry: TableEntry): void {
    const last = this.#segments.at(-1);
    const segment = last === undefined || last.isFull ? this.#grow() : last;
    segment.insert(id, entry);
  }

  has(id: IdWords, isTree: boolean): boolean {
    return this.#segments.some((segment) => segment.find(id, isTree) >= 0);
  }

  /** Position of the oldest entry of this blob, or -1. */
  positionOf(id: IdWords, isTree: boolean): number {
    for (const [number, segment] of this.#segments.entries()) {
      const index = segment.find(id, isTree);
      if (index >= 0) return (this.#starts[number] ?? 0) + index;
    }
    return -1;
  }

  /** All entries of this blob, oldest first. */
  findAll(id: IdWords, isTree: boolean): FoundEntry[] {
    const all: FoundEntry[] = [];
    for (const [number, segment] of this.#segments.entries()) {
      const found: number[] = [];
      segment.findAll(id, isTree, found);
      for (const index of found) all.push({ ...segment.entryAt(index), position: (this.#starts[number] ?? 0) + index });
    }
    return all;
  }

  /** Calls `visit` for every entry, oldest first; the id is valid during the call only if the table is not changed. */
  forEach(visit: (position: number, segment: SharedTableSegment, index: number) => void): void {
    for (const [number, segment] of this.#segments.entries()) {
      const start = this.#starts[number] ?? 0;
      for (let index = 0; index < segment.count; index++) {
        if (!segment.isRemoved(index)) visit(start + index, segment, index);
      }
    }
  }

  /** The segment and index of a position. */
  locate(position: number): { segment: SharedTableSegment; index: number } {
    let number = this.#starts.length - 1;
    while (number > 0 && (this.#starts[number] ?? 0) > position) number--;
    const segment = this.#segments[number];
    if (segment === undefined) throw new Error(`bug: position ${position} in an empty table`);
    return { segment, index: position - (this.#starts[number] ?? 0) };
  }

  /** Removes the entries of all packs that `isDoomed` names. */
  removePacks(isDoomed: (packNumber: number) => boolean): void {
    this.forEach((_, segment, index) => {
      if (!isDoomed(segment.packNumberAt(index))) return;
      segment.remove(index);
      this.#removedCount++;
    });
    if (this.#removedCount >= minRemovedToCompact && this.#removedCount * 2 > this.count) this.compact();
  }

  /** Builds the table anew without the places of removed entries; needs room for one more segment while it runs. */
  compact(): void {
    const old = this.#segments;
    this.#segments = [];
    this.#starts = [];
    this.#removedCount = 0;
    Atomics.add(this.#control, epochWord, 1);
    Atomics.add(this.#control, versionWord, 1);
    for (let segment = old.shift(); segment !== undefined; segment = old.shift()) {
      for (let index = 0; index < segment.count; index++) {
        if (!segment.isRemoved(index)) this.insert(segment.idAt(index), segment.entryAt(index));
      }
    }
  }

  #grow(): SharedTableSegment {
    const slots = Math.min(lastSlotCount, this.#smallestSlotCount * 2 ** Math.min(this.#segments.length, 23));
    const segment = SharedTableSegment.create(slots);
    this.#starts.push(this.count);
    this.#segments.push(segment);
    Atomics.add(this.#control, versionWord, 1);
    return segment;
  }
}

/** A worker's look at the table. */
export class SharedBlobTableView {
  readonly #handle: SharedTableHandle;
  readonly #control: Uint32Array;
  readonly #segments: readonly SharedTableSegment[];
  readonly #key: IdWords = new Uint32Array(idBytes / 4);
  readonly #keyBytes: Uint8Array = new Uint8Array(this.#key.buffer);

  private constructor(handle: SharedTableHandle) {
    this.#handle = handle;
    this.#control = new Uint32Array(handle.control);
    this.#segments = handle.segments.map((buffer) => new SharedTableSegment(buffer));
  }

  static attach(handle: SharedTableHandle): SharedBlobTableView {
    return new SharedBlobTableView(handle);
  }

  /** False when a new handle would show more; the view stays safe to use, it only knows less. */
  get isCurrent(): boolean {
    return Atomics.load(this.#control, versionWord) === this.#handle.version;
  }

  /**
   * True only if the blob is in the table. False may also mean that it was inserted a moment ago, that the table has
   * grown since this view was attached, or that it was built anew (then every answer is false until a new attach).
   * @param id 32 bytes.
   */
  has(type: BlobType, id: Uint8Array): boolean {
    this.#keyBytes.set(id);
    const isTree = type === "tree";
    for (const segment of this.#segments) {
      if (segment.find(this.#key, isTree) >= 0) return Atomics.load(this.#control, epochWord) === this.#handle.epoch;
    }
    return false;
  }
}

/** Bytes of memory for so many blobs, slots included. */
export function tableBytesFor(blobCount: number): number {
  return Math.ceil(blobCount * (entryWords * 4 + 4 / 0.75));
}
