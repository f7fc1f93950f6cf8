// The values that planning a prune takes, passes on and gives: options, the packs found in the store, the plan.

import type { PackId } from "../format/id.ts";
import type { PackStatistics } from "./pack-statistics.ts";

export interface PlanPruneOptions {
  readonly version: 1 | 2;
  /** How many unused bytes may remain, given the used bytes; Infinity for "unlimited". */
  readonly maxUnusedBytes: (usedBytes: number) => number;
  /** Repack at most so many bytes of packs; Infinity for no limit. */
  readonly maxRepackBytes: number;
  /** Packs below this size count as small; 0 = derived from the sizes of the packs that are there. */
  readonly smallPackBytes: number;
  /** Leave data packs alone unless nothing in them is used. */
  readonly repackCacheableOnly: boolean;
  /** Repack data packs that hold uncompressed blobs (version 2). */
  readonly repackUncompressed: boolean;
}

/** The packs in the store, compared with the index. */
export interface PackListing {
  readonly packIdAt: (packNumber: number) => PackId;
  /** Bytes by pack number; -1 = the store has no such pack. */
  readonly sizes: Float64Array;
  /** Packs that the index does not know. */
  readonly unindexed: readonly { readonly id: PackId; readonly sizeBytes: number }[];
}

/** Counts of blobs and of sealed bytes, as restic's summary names them. */
export interface PruneStats {
  readonly blobs: {
    used: number;
    duplicate: number;
    unused: number;
    remove: number;
    repack: number;
    repackRemove: number;
  };
  readonly bytes: PruneStats["blobs"] & { unreferenced: number; uncompressed: number };
  readonly packs: {
    used: number;
    unused: number;
    partlyUsed: number;
    unreferenced: number;
    keep: number;
    repack: number;
    remove: number;
  };
}

export interface PrunePlan {
  /** Not in any index: deleted before anything else. */
  readonly removeFirst: readonly PackId[];
  /** Their used blobs are stored anew, then they are deleted. */
  readonly repack: readonly PackId[];
  readonly remove: readonly PackId[];
  /** In the index but not in the store, and not needed. */
  readonly forget: readonly PackId[];
  /** 1 by blob number: must be stored anew because no pack that stays holds it. */
  readonly keepBlobs: Uint8Array;
  readonly stats: PruneStats;
}

/** What is known of the packs while the plan grows. */
export interface PlanState {
  readonly packs: PackStatistics;
  readonly sizes: Float64Array;
  readonly stats: PruneStats;
  /** Pack numbers. */
  readonly remove: number[];
  readonly repack: number[];
  readonly forget: number[];
  readonly removeFirst: number[];
}

/** Packs that may be repacked. */
export interface RepackCandidate {
  readonly pack: number;
  readonly mustCompress: boolean;
  /** Fully used and of one type; repacked only because it is small, together with others. */
  readonly isOnlySmall: boolean;
}
