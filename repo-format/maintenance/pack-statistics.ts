// What each pack of the index holds: used, unused and duplicate blobs. Duplicates are decided here: exactly one copy of a
// used blob counts as used, the others as unused.

import { sealOverheadBytes } from "../format/blob.ts";
import { compressedEntryBytes, headerLengthBytes, plainEntryBytes } from "../format/pack-header.ts";

/** One stored copy of a blob. The object is valid only during the call that hands it out. */
export interface StoredCopy {
  /** Number of the blob, the same for all copies of one type and id. */
  readonly blobNumber: number;
  readonly packNumber: number;
  readonly isTree: boolean;
  /** Sealed bytes. */
  readonly length: number;
  /** 0 = stored uncompressed. */
  readonly uncompressedLength: number;
}

/** The index as the planner sees it; every walk visits the same copies in the same order. */
export interface CopyList {
  /** Blob numbers are below this. */
  readonly blobNumberLimit: number;
  /** Pack numbers are below this. */
  readonly packNumberLimit: number;
  forEachCopy(visit: (copy: StoredCopy) => void): void;
}

/** Copies are counted up to here; of more copies the 255th is the last that can be chosen. */
const maxCount = 255;

export const packTypes = { none: 0, data: 1, tree: 2, mixed: 3 } as const;

/** Numbers about all packs, one element a pack number. Packs without blobs in the index stay at zero. */
export class PackStatistics {
  readonly usedBlobs: Uint32Array;
  readonly unusedBlobs: Uint32Array;
  readonly duplicateBlobs: Uint32Array;
  /** Bytes of used blobs and of the pack's header. */
  readonly usedBytes: Float64Array;
  readonly unusedBytes: Float64Array;
  /** One of `packTypes`. */
  readonly type: Uint8Array;
  /** 1 when some blob is stored uncompressed. */
  readonly hasUncompressed: Uint8Array;

  constructor(packCount: number) {
    this.usedBlobs = new Uint32Array(packCount);
    this.unusedBlobs = new Uint32Array(packCount);
    this.duplicateBlobs = new Uint32Array(packCount);
    this.usedBytes = new Float64Array(packCount);
    this.unusedBytes = new Float64Array(packCount);
    this.type = new Uint8Array(packCount);
    this.hasUncompressed = new Uint8Array(packCount);
  }

  sizeBytes(pack: number): number {
    return (this.usedBytes[pack] ?? 0) + (this.unusedBytes[pack] ?? 0);
  }
}

/** Blobs and bytes of the whole index, headers not counted. */
export interface BlobTotals {
  usedBlobs: number;
  usedBytes: number;
  /** Copies of used blobs beyond the first. */
  duplicateBlobs: number;
  duplicateBytes: number;
  unusedBlobs: number;
  unusedBytes: number;
}

/**
 * Counts the copies of every used blob; 0 in the result means unused.
 */
export function countCopies(copies: CopyList, isUsed: (blobNumber: number) => boolean): Uint8Array {
  const counts = new Uint8Array(copies.blobNumberLimit);
  copies.forEachCopy(({ blobNumber }) => {
    const count = counts[blobNumber] ?? 0;
    if (count < maxCount && isUsed(blobNumber)) counts[blobNumber] = count + 1;
  });
  return counts;
}

/**
 * Sums up the packs.
 * @param counts of `countCopies`; changed: afterwards 1 for every used blob, 0 for all others.
 */
export function collectPackStatistics(
  copies: CopyList,
  counts: Uint8Array,
): { readonly packs: PackStatistics; readonly totals: BlobTotals } {
  const packs = new PackStatistics(copies.packNumberLimit);
  const totals = { usedBlobs: 0, usedBytes: 0, duplicateBlobs: 0, duplicateBytes: 0, unusedBlobs: 0, unusedBytes: 0 };
  copies.forEachCopy((copy) => addCopy(packs, totals, copy, counts[copy.blobNumber] ?? 0));
  if (totals.duplicateBlobs > 0) chooseAmongDuplicates(copies, counts, packs, totals);
  return { packs, totals };
}

function addCopy(packs: PackStatistics, totals: BlobTotals, copy: StoredCopy, count: number): void {
  const pack = copy.packNumber;
  const type = copy.isTree ? packTypes.tree : packTypes.data;
  if (packs.type[pack] === packTypes.none) {
    packs.type[pack] = type;
    add(packs.usedBytes, pack, sealOverheadBytes + headerLengthBytes);
  }
  if (packs.type[pack] !== type) packs.type[pack] = packTypes.mixed;
  if (copy.uncompressedLength === 0) packs.hasUncompressed[pack] = 1;
  add(packs.usedBytes, pack, copy.uncompressedLength === 0 ? plainEntryBytes : compressedEntryBytes);
  if (count === 1) {
    add(packs.usedBlobs, pack, 1);
    add(packs.usedBytes, pack, copy.length);
    totals.usedBlobs++;
    totals.usedBytes += copy.length;
    return;
  }
  add(packs.unusedBlobs, pack, 1);
  add(packs.unusedBytes, pack, copy.length);
  if (count === 0) {
    totals.unusedBlobs++;
    totals.unusedBytes += copy.length;
    return;
  }
  // One of these becomes used in the second walk.
  add(packs.duplicateBlobs, pack, 1);
  totals.duplicateBlobs++;
  totals.duplicateBytes += copy.length;
}

function add(numbers: Uint32Array | Float64Array, index: number, amount: number): void {
  numbers[index] = (numbers[index] ?? 0) + amount;
}

/** Marks a blob whose copies but the last were all passed over: the one that comes is taken whatever its pack. */
const lastChance = 0;
/** Marks a blob for which a copy was chosen. */
const chosen = 1;

/**
 * Chooses the copy to keep of every duplicate: one in a pack that has used blobs anyway, or in a pack of nothing but
 * duplicates (what an interrupted prune leaves behind), else the last one.
 */
function chooseAmongDuplicates(copies: CopyList, counts: Uint8Array, packs: PackStatistics, totals: BlobTotals): void {
  const isDuplicate = new Uint8Array(Math.ceil(counts.length / 8));
  counts.forEach((count, blob) => {
    if (count > 1) isDuplicate[blob >> 3] = (isDuplicate[blob >> 3] ?? 0) | (1 << (blob & 7));
  });
  copies.forEachCopy((copy) => {
    const { blobNumber: blob, packNumber: pack, length } = copy;
    if (((isDuplicate[blob >> 3] ?? 0) & (1 << (blob & 7))) === 0) return;
    const count = counts[blob] ?? 0;
    if (count === chosen) return;
    const isWorthKeeping =
      (packs.usedBlobs[pack] ?? 0) > 0 ||
      packs.duplicateBlobs[pack] === packs.unusedBlobs[pack] ||
      count === lastChance;
    if (!isWorthKeeping) {
      counts[blob] = count === 2 ? lastChance : count - 1;
      return;
    }
    add(packs.usedBlobs, pack, 1);
    add(packs.usedBytes, pack, length);
    add(packs.unusedBlobs, pack, -1);
    add(packs.unusedBytes, pack, -length);
    totals.usedBlobs++;
    totals.usedBytes += length;
    totals.duplicateBlobs--;
    totals.duplicateBytes -= length;
    counts[blob] = chosen;
  });
}
