// The index as the planner of a prune sees it: every stored copy of every blob, by numbers.

import type { BlobIndex } from "../index/blob-index.ts";
import type { CopyList, StoredCopy } from "./pack-statistics.ts";

/** The index must not change as long as the result is used. */
export function copiesOf(index: BlobIndex): CopyList {
  const { table } = index;
  return {
    blobNumberLimit: table.count,
    packNumberLimit: index.packNumberLimit,
    forEachCopy(visit: (copy: StoredCopy) => void): void {
      table.forEach((_, segment, place) => {
        const entry = segment.entryAt(place);
        visit({
          blobNumber: table.positionOf(segment.idAt(place), entry.isTree),
          packNumber: entry.packNumber,
          isTree: entry.isTree,
          length: entry.length,
          uncompressedLength: entry.uncompressedLength,
        });
      });
    },
  };
}
