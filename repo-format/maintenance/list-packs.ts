// Compares the packs in the store with those of the index.

import type { PackId } from "../format/id.ts";
import type { BlobIndex } from "../index/blob-index.ts";
import type { Repository } from "../repository/repository.ts";
import type { PackListing } from "./prune-plan.ts";

/**
 * Lists the store's packs; memory grows with the packs that the index does not know, and 8 bytes for each other one.
 * @param index the one to compare with; default: the repository's, which must be loaded.
 */
export async function listPacks(
  repo: Repository,
  signal: AbortSignal | undefined,
  index: BlobIndex = repo.index,
): Promise<PackListing> {
  const sizes = new Float64Array(index.packNumberLimit).fill(-1);
  const unindexed: { id: PackId; sizeBytes: number }[] = [];
  for await (const { id, sizeBytes } of repo.list("pack", signal)) {
    const packId = id as PackId;
    const packNumber = index.packNumberOf(packId);
    if (packNumber === -1) unindexed.push({ id: packId, sizeBytes });
    else sizes[packNumber] = sizeBytes;
  }
  return { packIdAt: (packNumber) => index.packIdAt(packNumber), sizes, unindexed };
}
