// Decides which packs a prune deletes, repacks and keeps: a pure function of the index, the used blobs and the listing of
// the store, with restic's rules (restic documentation, "Customize pruning"), so that both programs agree on a repository.

import { RepositoryError } from "../errors.ts";
import type { PackId } from "../format/id.ts";
import { chooseRepacks } from "./choose-repacks.ts";
import { type BlobTotals, type CopyList, collectPackStatistics, countCopies, packTypes } from "./pack-statistics.ts";
import type { PackListing, PlanPruneOptions, PlanState, PrunePlan, PruneStats, RepackCandidate } from "./prune-plan.ts";

/**
 * Plans a prune; changes nothing.
 * @param isUsed for every blob number; the caller has made sure that every used blob is in the index.
 * @throws RepositoryError "pack-missing" or "pack-damaged" when a needed pack is absent or has another size than the
 *   index says: deleting anything then could lose what a repair may still find.
 */
export function planPrune(
  copies: CopyList,
  isUsed: (blobNumber: number) => boolean,
  listing: PackListing,
  options: PlanPruneOptions,
): PrunePlan {
  const counts = countCopies(copies, isUsed);
  const { packs, totals } = collectPackStatistics(copies, counts);
  const state: PlanState = {
    packs,
    sizes: listing.sizes,
    stats: initialStats(totals),
    remove: [],
    repack: [],
    forget: [],
    removeFirst: [],
  };
  refuseMissingPacks(state, listing);
  const candidates = sortOutPacks(state, listing, options);
  chooseRepacks(state, candidates, options);
  finishStats(state, listing, options);
  if (state.repack.length > 0) clearKeptElsewhere(copies, counts, state);
  else counts.fill(0);
  const idsOf = (numbers: readonly number[]): PackId[] => numbers.map(listing.packIdAt);
  return {
    removeFirst: [...listing.unindexed.map((pack) => pack.id), ...idsOf(state.removeFirst)],
    repack: idsOf(state.repack),
    remove: idsOf(state.remove),
    forget: idsOf(state.forget),
    keepBlobs: counts,
    stats: state.stats,
  };
}

function initialStats(totals: BlobTotals): PruneStats {
  const none = { remove: 0, repack: 0, repackRemove: 0 };
  return {
    blobs: { used: totals.usedBlobs, duplicate: totals.duplicateBlobs, unused: totals.unusedBlobs, ...none },
    bytes: {
      used: totals.usedBytes,
      duplicate: totals.duplicateBytes,
      unused: totals.unusedBytes,
      ...none,
      unreferenced: 0,
      uncompressed: 0,
    },
    packs: { used: 0, unused: 0, partlyUsed: 0, unreferenced: 0, keep: 0, repack: 0, remove: 0 },
  };
}

function refuseMissingPacks({ packs, sizes }: PlanState, listing: PackListing): void {
  const missing: PackId[] = [];
  for (let pack = 0; pack < sizes.length; pack++) {
    if (packs.usedBlobs[pack] === 0) continue;
    const size = sizes[pack] ?? -1;
    if (size === -1) missing.push(listing.packIdAt(pack));
    else if (size !== packs.sizeBytes(pack)) {
      const packId = listing.packIdAt(pack);
      throw new RepositoryError(
        "pack-damaged",
        `pack ${packId} has ${size} bytes where the index says ${packs.sizeBytes(pack)}; nothing was deleted`,
        { details: { packId, sizeBytes: size, expectedBytes: packs.sizeBytes(pack) } },
      );
    }
  }
  const [packId] = missing;
  if (packId === undefined) return;
  throw new RepositoryError(
    "pack-missing",
    `${missing.length} packs that snapshots need are not in the store (${missing.slice(0, 3).join(", ")}); nothing was deleted`,
    { details: { packId, missingPacks: missing.length } },
  );
}

/** Puts every pack that needs no further thought into the plan and returns the others. */
function sortOutPacks(state: PlanState, listing: PackListing, options: PlanPruneOptions): RepackCandidate[] {
  const { packs, sizes, stats } = state;
  const candidates: RepackCandidate[] = [];
  for (let pack = 0; pack < sizes.length; pack++) {
    const type = packs.type[pack] ?? packTypes.none;
    const size = sizes[pack] ?? -1;
    if (type === packTypes.none) {
      // The index names it without any blob, so nobody can find anything in it.
      if (size >= 0) state.removeFirst.push(pack);
      if (size >= 0) stats.bytes.unreferenced += size;
      continue;
    }
    countPack(state, pack, size >= 0);
    if (packs.usedBlobs[pack] === 0) {
      (size === -1 ? state.forget : state.remove).push(pack);
      stats.blobs.remove += packs.unusedBlobs[pack] ?? 0;
      stats.bytes.remove += packs.unusedBytes[pack] ?? 0;
      continue;
    }
    if (options.repackCacheableOnly && type === packTypes.data) {
      stats.packs.keep++;
      continue;
    }
    const wantsCompression = options.version >= 2 && (type === packTypes.tree || options.repackUncompressed);
    const mustCompress = wantsCompression && packs.hasUncompressed[pack] === 1;
    const isOnlySmall = packs.unusedBlobs[pack] === 0 && type !== packTypes.mixed && !mustCompress;
    candidates.push({ pack, mustCompress, isOnlySmall });
  }
  for (const { sizeBytes } of listing.unindexed) stats.bytes.unreferenced += sizeBytes;
  return candidates;
}

function countPack({ packs, stats }: PlanState, pack: number, isStored: boolean): void {
  if (!isStored) return;
  if (packs.usedBlobs[pack] === 0) stats.packs.unused++;
  else if (packs.unusedBlobs[pack] === 0) stats.packs.used++;
  else stats.packs.partlyUsed++;
  if (packs.hasUncompressed[pack] === 1) stats.bytes.uncompressed += packs.sizeBytes(pack);
}

function finishStats(state: PlanState, listing: PackListing, options: PlanPruneOptions): void {
  const { stats } = state;
  stats.packs.unreferenced = listing.unindexed.length + state.removeFirst.length;
  stats.packs.repack = state.repack.length;
  stats.packs.remove = state.remove.length;
  // Version 1 knows no compression, so there is nothing left to compress.
  if (options.version < 2) stats.bytes.uncompressed = 0;
}

/** Blobs of which a pack that stays holds a copy need not be stored anew. */
function clearKeptElsewhere(copies: CopyList, keepBlobs: Uint8Array, state: PlanState): void {
  const goes = new Uint8Array(state.sizes.length);
  for (const numbers of [state.remove, state.repack, state.forget, state.removeFirst]) {
    for (const pack of numbers) goes[pack] = 1;
  }
  copies.forEachCopy(({ blobNumber, packNumber }) => {
    if (goes[packNumber] === 0) keepBlobs[blobNumber] = 0;
  });
}
