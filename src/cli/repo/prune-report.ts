// What a prune did, or would do: restic's statistics as JSON, or in words.
import type { PruneResult } from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";

type Stats = PruneResult["stats"];

/** Sums that both forms need. */
function totalsOf({ blobs, bytes }: Stats): {
  readonly blobs: number;
  readonly bytes: number;
  readonly removedBlobs: number;
  readonly removedBytes: number;
} {
  return {
    blobs: blobs.used + blobs.duplicate + blobs.unused,
    bytes: bytes.used + bytes.duplicate + bytes.unused + bytes.unreferenced,
    removedBlobs: blobs.remove + blobs.repackRemove,
    removedBytes: bytes.remove + bytes.repackRemove + bytes.unreferenced,
  };
}

export function showPrune({ output }: CommandContext, result: PruneResult): void {
  if (output.isJson) {
    output.message(summaryOf(result.stats));
    return;
  }
  const { blobs, bytes, packs } = result.stats;
  const totals = totalsOf(result.stats);
  const unusedAfter = bytes.unused + bytes.duplicate - bytes.remove - bytes.repackRemove;
  const amount = (count: number, size: number): string => `${formatCount(count, "blob")}, ${formatBytes(size)}`;
  const packsOf = (count: number): string => `${formatCount(count, "pack")}`;
  if (result.isDryRun) output.print("would do the following, and has done nothing:\n");
  output.print(`used:        ${amount(blobs.used, bytes.used)}`);
  output.print(`not used:    ${amount(blobs.unused + blobs.duplicate, bytes.unused + bytes.duplicate)}`);
  output.print(`to repack:   ${amount(blobs.repack, bytes.repack)} in ${packsOf(packs.repack)}`);
  output.print(`to delete:   ${packsOf(packs.remove + packs.unreferenced)}`);
  output.print(`freed:       ${amount(totals.removedBlobs, totals.removedBytes)}`);
  output.print(`remaining:   ${amount(totals.blobs - totals.removedBlobs, totals.bytes - totals.removedBytes)}`);
  output.print(`unused then: ${formatBytes(unusedAfter)}`);
}

function summaryOf(stats: Stats): object {
  const { blobs, bytes, packs } = stats;
  const totals = totalsOf(stats);
  return {
    message_type: "summary",
    blobs: {
      ...counts(blobs),
      total: totals.blobs,
      remove_total: totals.removedBlobs,
      remaining: totals.blobs - totals.removedBlobs,
    },
    bytes: {
      ...counts(bytes),
      unreferenced: bytes.unreferenced,
      uncompressed: bytes.uncompressed,
      total: totals.bytes,
      remove_total: totals.removedBytes,
      remaining: totals.bytes - totals.removedBytes,
      remaining_unused: bytes.unused + bytes.duplicate - bytes.remove - bytes.repackRemove,
    },
    packfiles: {
      used: packs.used,
      unused: packs.unused,
      partly_used: packs.partlyUsed,
      unreferenced: packs.unreferenced,
      total: packs.used + packs.unused + packs.partlyUsed + packs.unreferenced,
      keep: packs.keep,
      repack: packs.repack,
      remove: packs.remove,
      remove_total: packs.remove + packs.unreferenced,
    },
  };
}

function counts(side: Stats["blobs"]): object {
  const { used, duplicate, unused, repack, repackRemove, remove } = side;
  return { used, duplicate, unused, repack, repack_remove: repackRemove, remove };
}
