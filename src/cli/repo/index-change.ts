// What is wrong with an index, in words.
import type { IndexChange } from "../../../repo-format/index.ts";

/** A line for people. */
export function describeIndexChange(change: IndexChange): string {
  switch (change.kind) {
    case "index-unreadable":
      return `removing index file ${change.id}: ${change.message}`;
    case "pack-added":
      return `adding pack ${change.id}`;
    case "pack-missing":
      return `forgetting pack ${change.id}, which is gone`;
    case "pack-resized":
      return `reading pack ${change.id} anew: it has ${change.sizeBytes} bytes, the index says ${change.indexedBytes}`;
    case "pack-unreadable":
      return `left out pack ${change.id}: ${change.message}`;
  }
}
