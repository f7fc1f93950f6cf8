// stowage repo copy: copies snapshots from another repository into this one.
import type { Command } from "commander";
import { type CopyOptions, type CopyResult, copySnapshots, type SnapshotCopy } from "../../../repo-format/index.ts";
import { formatBytes, formatCount } from "../output/format-values.ts";
import { StepReporter } from "../output/progress.ts";
import type { CommandContext } from "./command-context.ts";
import { addFromOptions, type FromFlags, fromContext } from "./from-repository.ts";
import { addSnapshotFilterOptions, type SnapshotFilterFlags, snapshotFilter } from "./snapshot-filter.ts";
import { describeSnapshot } from "./snapshot-text.ts";

interface CopyFlags extends SnapshotFilterFlags, FromFlags {}

const about = `Copy snapshots from the repository that --from-repo names into the one that --repo names: those that are given, or
all that the filters choose. Versions, passwords and chunkers of the two may differ. What the target has already is not
copied again, neither snapshots nor data, so the same command brings the target up to date, and goes on after an
interruption. Every piece is verified on its way.`;

const examples = `
Examples:
  stowage repo copy --from-repo /srv/backups --from-password-file ~/.old -r s3:https://s3.example.com/bucket
  stowage repo copy --from-repo /srv/backups latest --host web1

A target that was not made with "init --copy-chunker-params" is cut by restic otherwise than the source:
later restic backups there store once more what was copied.`;

export function addCopyCommand(parent: Command, context: CommandContext): void {
  const command = parent
    .command("copy")
    .summary("copy snapshots from another repository")
    .description(about)
    .argument("[ids...]", "only these snapshots of the source: ids, unique beginnings of ids, or latest");
  addFromOptions(command);
  addSnapshotFilterOptions(command)
    .addHelpText("after", examples)
    .action((ids: string[], flags: CopyFlags) => run(ids, flags, context));
}

async function run(ids: readonly string[], flags: CopyFlags, context: CommandContext): Promise<void> {
  const from = fromContext(flags, context);
  const options = { ...snapshotFilter(flags, context), ids, ...reports(context) };
  const result = await from.withLockedRepository(from.readLock, (source, sourceSignal) =>
    context.withLockedRepository("shared", (target, targetSignal) =>
      copySnapshots(source, target, { ...options, signal: AbortSignal.any([sourceSignal, targetSignal]) }),
    ),
  );
  summarize(result, context);
}

function reports(context: CommandContext): Partial<CopyOptions> {
  const { output } = context;
  const steps = new StepReporter(context.reporting);
  return {
    onIgnored: context.reportIgnored,
    onProgress: (done, total) => steps.update({ step: "packs", done, total }),
    onSkipped: (skipped) => {
      const { source, targetId } = skipped;
      if (output.isJson) output.message(copyMessage("skipped", skipped));
      else if (output.verbosity > 0)
        output.print(`${describeSnapshot(source)}\n  is there already as ${targetId.slice(0, 8)}\n`);
    },
    onPlanned: (source, { blobs, bytes, packs }) => {
      output.print(describeSnapshot(source));
      if (output.verbosity > 0)
        output.print(
          `  ${formatCount(blobs, "blob")} of ${formatCount(packs, "pack")} to copy, ${formatBytes(bytes)} stored`,
        );
    },
    onCopied: (copy) => {
      if (output.isJson) return output.message(copyMessage("copied", copy));
      const { source, targetId } = copy;
      output.print(`snapshot ${targetId.slice(0, 8)} saved, a copy of ${source.id.slice(0, 8)} of the source`);
    },
  };
}

function copyMessage(type: "copied" | "skipped", { source, targetId }: SnapshotCopy): object {
  return { message_type: type, source_snapshot_id: source.id, snapshot_id: targetId };
}

function summarize({ copied, skipped, blobs, bytes }: CopyResult, { output }: CommandContext): void {
  if (output.isJson) {
    output.message({
      message_type: "summary",
      copied_snapshots: copied.length,
      skipped_snapshots: skipped.length,
      copied_blobs: blobs,
      copied_bytes: bytes,
    });
    return;
  }
  const there =
    skipped.length === 0 ? "" : `; ${skipped.length} ${skipped.length === 1 ? "was" : "were"} there already`;
  output.print(
    `copied ${formatCount(copied.length, "snapshot")} (${formatCount(blobs, "blob")}, ${formatBytes(bytes)})${there}`,
  );
}
