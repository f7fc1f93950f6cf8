// stowage repo prune: removes data that no snapshot needs.
import type { Command } from "commander";
import {
  type PruneOptions,
  type PruneResult,
  parseByteSize,
  parseMaxUnused,
  prune,
} from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import type { CommandContext } from "./command-context.ts";

/** Shared with `forget --prune`. */
export interface PruneFlags {
  readonly dryRun?: boolean;
  readonly maxUnused?: string;
  readonly maxRepackSize?: string;
  readonly repackCacheableOnly?: boolean;
  readonly repackSmall?: boolean;
  readonly repackUncompressed?: boolean;
  readonly repackSmallerThan?: string;
}

export function addPruneCommand(parent: Command, context: CommandContext): void {
  const command = parent.command("prune").description("remove data that no snapshot needs");
  addPruneOptions(command).action(async (flags: PruneFlags) => {
    await context.withRepository(async (repository) => {
      const options = {
        ...pruneOptions(flags, context),
        dryRun: flags.dryRun === true,
        retryLockMs: context.retryLockMs(),
        onLockWait: context.reportLockWait,
        signal: context.signal,
      };
      showPrune(context, await prune(repository, options));
    });
  });
}

/** The flags that say how much to clean up. */
export function addPruneOptions(command: Command): Command {
  return command
    .option("-n, --dry-run", "show what would be done")
    .option("--max-unused <limit>", "unused data that may stay: a share like 5%, a size, or unlimited", "5%")
    .option("--max-repack-size <size>", "repack at most so much, such as 2G")
    .option("--repack-cacheable-only", "repack only packs with directories")
    .option("--repack-small", "repack packs below 80% of the wanted size")
    .option("--repack-uncompressed", "repack everything that is not compressed")
    .option("--repack-smaller-than <size>", "repack packs below this size");
}

/** The engine's options for the flags; the lock is left to the caller. */
export function pruneOptions(flags: PruneFlags, context: CommandContext): PruneOptions {
  const small = flags.repackSmallerThan === undefined ? undefined : parseByteSize(flags.repackSmallerThan);
  return {
    ...(flags.maxUnused === undefined ? {} : { maxUnusedBytes: parseMaxUnused(flags.maxUnused) }),
    ...(flags.maxRepackSize === undefined ? {} : { maxRepackBytes: parseByteSize(flags.maxRepackSize) }),
    repackCacheableOnly: flags.repackCacheableOnly === true,
    repackUncompressed: flags.repackUncompressed === true,
    ...(small === undefined ? {} : { smallPackBytes: small }),
    ...(flags.repackSmall === true ? { smallPackBytes: small ?? Math.floor(0.8 * context.packSizeBytes()) } : {}),
    onProgress: ({ step, done, total }) => context.output.status([`${step}: ${done} / ${total}`]),
    onWarning: (message) => context.output.warn(`warning: ${message}`),
  };
}

/** restic's statistics as JSON, or in words. */
export function showPrune({ output }: CommandContext, result: PruneResult): void {
  const { blobs, bytes, packs } = result.stats;
  const removedBlobs = blobs.remove + blobs.repackRemove;
  const removedBytes = bytes.remove + bytes.repackRemove + bytes.unreferenced;
  const totalBytes = bytes.used + bytes.duplicate + bytes.unused + bytes.unreferenced;
  const totalBlobs = blobs.used + blobs.duplicate + blobs.unused;
  if (output.isJson) {
    output.message({
      message_type: "summary",
      blobs: {
        ...counts(blobs),
        total: totalBlobs,
        remove_total: removedBlobs,
        remaining: totalBlobs - removedBlobs,
      },
      bytes: {
        ...counts(bytes),
        unreferenced: bytes.unreferenced,
        uncompressed: bytes.uncompressed,
        total: totalBytes,
        remove_total: removedBytes,
        remaining: totalBytes - removedBytes,
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
    });
    return;
  }
  const would = result.isDryRun ? "would be " : "";
  output.print(`used:      ${formatCount(blobs.used, "blob")}, ${formatBytes(bytes.used)}`);
  output.print(
    `unused:    ${formatCount(blobs.unused + blobs.duplicate, "blob")}, ${formatBytes(bytes.unused + bytes.duplicate)}`,
  );
  output.print(`repacked:  ${formatCount(packs.repack, "pack")} ${would}written anew (${formatBytes(bytes.repack)})`);
  output.print(
    `removed:   ${formatCount(packs.remove + packs.unreferenced, "pack")}, ${formatBytes(removedBytes)} ${would}freed`,
  );
  output.print(`remaining: ${formatBytes(totalBytes - removedBytes)}`);
}

function counts(side: PruneResult["stats"]["blobs"]): object {
  const { used, duplicate, unused, repack, repackRemove, remove } = side;
  return { used, duplicate, unused, repack, repack_remove: repackRemove, remove };
}
