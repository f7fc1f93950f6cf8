// Second part of a check: is every pack of the index in the store, with the size that its blobs and header make up?

import type { Repository } from "../repository/repository.ts";
import type { FindingLog } from "./check-findings.ts";
import { copiesOf } from "./index-copies.ts";
import { listPacks } from "./list-packs.ts";
import { collectPackStatistics, packTypes } from "./pack-statistics.ts";

/** One listing; nothing is read. The index must be loaded. */
export async function checkPacks(repo: Repository, log: FindingLog, signal: AbortSignal | undefined): Promise<void> {
  const copies = copiesOf(repo.index);
  const { packs } = collectPackStatistics(copies, new Uint8Array(copies.blobNumberLimit));
  const listing = await listPacks(repo, signal);
  for (let pack = 0; pack < copies.packNumberLimit; pack++) {
    const type = packs.type[pack];
    const size = listing.sizes[pack] ?? -1;
    const packId = repo.index.packIdAt(pack);
    if (type === packTypes.none) {
      if (size !== -1) log.add("pack-unreferenced", `pack ${packId} stands in the index without blobs`, { packId });
      continue;
    }
    if (type === packTypes.mixed) log.add("pack-mixed", `pack ${packId} holds trees and data`, { packId });
    if (size === -1) {
      log.add("pack-missing", `pack ${packId} is in the index but not in the store`, { packId });
    } else if (size !== packs.sizeBytes(pack)) {
      const message = `pack ${packId} has ${size} bytes where the index says ${packs.sizeBytes(pack)}`;
      log.add("pack-size", message, { packId });
    }
  }
  for (const { id } of listing.unindexed) {
    log.add("pack-unreferenced", `pack ${id} is in no index file`, { packId: id });
  }
}
