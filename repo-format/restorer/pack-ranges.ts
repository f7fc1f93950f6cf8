// The requests that a plan needs: pack by pack in the order of first use, neighbouring blobs merged. A gap of up to 1 MiB is
// read and thrown away, since a request costs more than that.
import type { PackId } from "../format/id.ts";
import { fileAction, type RestorePlan } from "./restore-plan.ts";

export interface PackRange {
  readonly packId: PackId;
  readonly offset: number;
  readonly length: number;
  /** Numbers of parts, by their offset in the pack; several parts may want the same blob. */
  readonly parts: Uint32Array;
}

export interface RangeLimits {
  /** Bytes between two blobs that are worth reading along. */
  readonly maxGapBytes: number;
  /** Bytes of a request; a single blob may be larger. */
  readonly maxRangeBytes: number;
}

export const defaultRangeLimits: RangeLimits = { maxGapBytes: 1024 * 1024, maxRangeBytes: 32 * 1024 * 1024 };

/**
 * Parts that are present, and those of files that have failed by the time their pack's turn comes, are left out.
 */
export function* packRanges(plan: RestorePlan, limits: RangeLimits = defaultRangeLimits): Generator<PackRange, void> {
  const { order, starts } = groupByPack(plan);
  for (const [pack, packId] of plan.packIds.entries()) {
    const group = order.subarray(starts[pack], starts[pack + 1]);
    const parts = group.filter((part) => plan.files.action.get(plan.parts.file.get(part)) !== fileAction.failed);
    parts.sort((a, b) => plan.parts.packOffset.get(a) - plan.parts.packOffset.get(b));
    if (parts.length > 0) yield* rangesOfPack(plan, packId, parts, limits);
  }
}

/**
 * So long is a request at least, if it is not the last of its pack, for all of them to be about equally long: of 16.9 MB in
 * requests of up to 5.6 the last would have 1.2, and be waited for as long as the others.
 */
function evenLength(plan: RestorePlan, parts: Uint32Array, maxRangeBytes: number): number {
  const { packOffset, length } = plan.parts;
  let end = 0;
  let longest = 0;
  for (const part of parts) {
    end = Math.max(end, packOffset.get(part) + length.get(part));
    longest = Math.max(longest, length.get(part));
  }
  if (longest > maxRangeBytes / 2) return maxRangeBytes; // nothing is even about such blobs
  const bytes = end - packOffset.get(parts[0] as number);
  // The blob with which a request is long enough may make it longer than that.
  return Math.ceil(bytes / Math.ceil(bytes / (maxRangeBytes - longest)));
}

function* rangesOfPack(
  plan: RestorePlan,
  packId: PackId,
  parts: Uint32Array,
  { maxGapBytes, maxRangeBytes }: RangeLimits,
): Generator<PackRange, void> {
  const { packOffset, length } = plan.parts;
  const enoughBytes = evenLength(plan, parts, maxRangeBytes);
  let first = 0;
  let end = 0;
  for (let index = 0; index <= parts.length; index++) {
    const part = parts[index];
    const start = part === undefined ? Number.POSITIVE_INFINITY : packOffset.get(part);
    if (index > first) {
      const rangeStart = packOffset.get(parts[first] as number);
      const nextEnd = part === undefined ? Number.POSITIVE_INFINITY : start + length.get(part);
      const isFull = end - rangeStart >= enoughBytes || Math.max(end, nextEnd) - rangeStart > maxRangeBytes;
      if (start - end <= maxGapBytes && !isFull) {
        end = Math.max(end, nextEnd);
        continue;
      }
      yield { packId, offset: rangeStart, length: end - rangeStart, parts: parts.subarray(first, index) };
    }
    first = index;
    end = part === undefined ? 0 : start + length.get(part);
  }
}

/** Numbers of the parts to fetch, grouped by pack; group p lies from starts[p] to starts[p + 1]. */
function groupByPack(plan: RestorePlan): { order: Uint32Array; starts: Uint32Array } {
  const { parts, packIds } = plan;
  const starts = new Uint32Array(packIds.length + 1);
  const isWanted = (part: number): boolean => parts.isPresent.get(part) === 0;
  for (let part = 0; part < parts.count; part++) {
    if (isWanted(part)) addTo(starts, parts.pack.get(part) + 1, 1);
  }
  for (let pack = 0; pack < packIds.length; pack++) addTo(starts, pack + 1, starts[pack] as number);
  const next = starts.slice();
  const order = new Uint32Array(starts[packIds.length] as number);
  for (let part = 0; part < parts.count; part++) {
    if (!isWanted(part)) continue;
    const pack = parts.pack.get(part);
    order[next[pack] as number] = part;
    addTo(next, pack, 1);
  }
  return { order, starts };
}

function addTo(array: Uint32Array, index: number, value: number): void {
  array[index] = (array[index] as number) + value;
}
