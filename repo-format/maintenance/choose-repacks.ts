// Which of the partly used, mixed or small packs a prune repacks: the worst first, until little enough unused data is left
// or the limit of bytes to repack is reached.

import { type PackStatistics, packTypes } from "./pack-statistics.ts";
import type { PlanPruneOptions, PlanState, RepackCandidate } from "./prune-plan.ts";

/** restic's smallest pack size. */
const minPackBytes: number = 4 * 1024 * 1024;
/** Fewer small packs than this are not worth the trouble, and one alone would be repacked again and again. */
const minSmallPacks = 10;

/**
 * The size below which a pack counts as small: 80 % of the 3rd percentile of all packs, at least of 4 MiB. A low
 * percentile, so that a change of the pack size never rewrites a large part of a repository.
 */
function smallPackLimitBytes(packs: PackStatistics, smallPackBytes: number): number {
  if (smallPackBytes > 0) return smallPackBytes;
  const sizes: number[] = [];
  for (let pack = 0; pack < packs.type.length; pack++) {
    if (packs.type[pack] !== packTypes.none) sizes.push(packs.sizeBytes(pack));
  }
  if (sizes.length === 0) return 0;
  const sorted = Float64Array.from(sizes).sort();
  const percentile = sorted[Math.floor((sorted.length * 3) / 100)] ?? 0;
  return Math.floor((Math.max(minPackBytes, percentile) * 4) / 5);
}

/** Moves candidates to `state.repack`, counts the rest as kept, and keeps the statistics. */
export function chooseRepacks(
  state: PlanState,
  candidates: readonly RepackCandidate[],
  options: PlanPruneOptions,
): void {
  const { packs, stats } = state;
  const limit = smallPackLimitBytes(packs, options.smallPackBytes);
  const isSmall = (pack: number): boolean => packs.sizeBytes(pack) < limit;
  const small = candidates.filter(({ pack, isOnlySmall }) => isOnlySmall && isSmall(pack));
  const chosen = candidates.filter(({ isOnlySmall }) => !isOnlySmall);
  if (small.length >= minSmallPacks) chosen.push(...small);
  stats.packs.keep += candidates.length - chosen.length;
  chosen.sort(
    (a, b) => rank(packs, a.pack, isSmall) - rank(packs, b.pack, isSmall) || ratio(packs, b) - ratio(packs, a),
  );

  const maxUnusedBytes = options.maxUnusedBytes(stats.bytes.used);
  for (const { pack, mustCompress } of chosen) {
    const { bytes } = stats;
    const unusedLeft = bytes.duplicate + bytes.unused - bytes.remove - bytes.repackRemove;
    const isOverLimit = bytes.repack + packs.sizeBytes(pack) >= options.maxRepackBytes;
    const isOptional = packs.type[pack] === packTypes.data && !mustCompress && !isSmall(pack);
    if (isOverLimit || (isOptional && unusedLeft < maxUnusedBytes)) stats.packs.keep++;
    else repack(state, pack);
  }
}

/** Packs with trees first, then small ones, then the rest. */
function rank(packs: PackStatistics, pack: number, isSmall: (pack: number) => boolean): number {
  if (packs.type[pack] !== packTypes.data) return isSmall(pack) ? 0 : 1;
  return isSmall(pack) ? 2 : 3;
}

function ratio(packs: PackStatistics, { pack }: RepackCandidate): number {
  return (packs.unusedBytes[pack] ?? 0) / (packs.usedBytes[pack] ?? 1);
}

function repack({ packs, stats, repack: chosen }: PlanState, pack: number): void {
  chosen.push(pack);
  stats.blobs.repack += (packs.usedBlobs[pack] ?? 0) + (packs.unusedBlobs[pack] ?? 0);
  stats.bytes.repack += packs.sizeBytes(pack);
  stats.blobs.repackRemove += packs.unusedBlobs[pack] ?? 0;
  stats.bytes.repackRemove += packs.unusedBytes[pack] ?? 0;
  if (packs.hasUncompressed[pack] === 1) stats.bytes.uncompressed -= packs.sizeBytes(pack);
}
