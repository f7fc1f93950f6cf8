// Groups blobs that lie close together in a pack into one request each (restic reads packs the same way).
import type { BlobHandle } from "../format/blob.ts";
import type { PackId } from "../format/id.ts";
import type { BlobLocation } from "../index/blob-index.ts";

export interface RangeLimits {
  /** Bytes between two blobs that are read along rather than asking twice. */
  readonly maxGapBytes: number;
  readonly maxRangeBytes: number;
}

/** As in restic: up to 1 MiB of unneeded bytes between two blobs, up to 32 MiB a request. */
export const resticRangeLimits: RangeLimits = { maxGapBytes: 1024 * 1024, maxRangeBytes: 32 * 1024 * 1024 };

export interface LocatedBlob {
  readonly handle: BlobHandle;
  readonly location: BlobLocation;
}

export interface PackRange {
  readonly packId: PackId;
  readonly offset: number;
  readonly length: number;
  /** In ascending order of offsets. */
  readonly blobs: readonly LocatedBlob[];
}

/** @returns the ranges, those of a pack one after the other; packs in the order of their first blob. */
export function planRanges(blobs: Iterable<LocatedBlob>, limits: RangeLimits): PackRange[] {
  const byPack = new Map<PackId, LocatedBlob[]>();
  for (const blob of blobs) {
    const others = byPack.get(blob.location.packId);
    if (others === undefined) byPack.set(blob.location.packId, [blob]);
    else others.push(blob);
  }
  return [...byPack.values()].flatMap((ofPack) => rangesOfPack(ofPack, limits));
}

function rangesOfPack(blobs: LocatedBlob[], limits: RangeLimits): PackRange[] {
  blobs.sort((a, b) => a.location.offset - b.location.offset);
  const groups: { start: number; end: number; blobs: LocatedBlob[] }[] = [];
  for (const blob of blobs) {
    const { offset, length } = blob.location;
    const end = offset + length;
    const last = groups.at(-1);
    const fits =
      last !== undefined && offset - last.end <= limits.maxGapBytes && end - last.start <= limits.maxRangeBytes;
    if (fits) {
      last.blobs.push(blob);
      last.end = Math.max(last.end, end);
    } else groups.push({ start: offset, end, blobs: [blob] });
  }
  const packId = (blobs[0] as LocatedBlob).location.packId;
  return groups.map(({ start, end, blobs: inRange }) => ({
    packId,
    offset: start,
    length: end - start,
    blobs: inRange,
  }));
}
