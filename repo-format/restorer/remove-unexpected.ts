// `--delete`: removes what stands in a restored directory and is not in the snapshot, as far as the patterns select it.
import { throwIfCancelled } from "../errors.ts";
import type { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { removeChild } from "../file-tree/remove.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { shownPath } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { Select } from "./select-entries.ts";
import { namesInTree } from "./tree-entries.ts";

export interface RemoveUnexpectedOptions {
  /** latin1; "" for the target itself. */
  readonly directoryPath: string;
  readonly select: Select;
  readonly dryRun: boolean;
  readonly report: RestoreReport;
  readonly signal: AbortSignal | undefined;
}

/** @param tree the directory's whole tree: entries that are not selected are expected too. */
export function removeUnexpected(directory: DirectoryHandle, tree: Buffer, options: RemoveUnexpectedOptions): void {
  const { directoryPath, select, dryRun, report, signal } = options;
  const expected = namesInTree(tree);
  for (const name of directory.readLatin1Names()) {
    if (expected.has(name)) continue;
    throwIfCancelled(signal);
    const path = `${directoryPath}/${name}`;
    // Whether it is a directory does not matter to the patterns' first answer.
    if (!select(path, false).isSelected) continue;
    try {
      const onRemoved = (below: string): void => report.deleted(shownPath(path + below));
      removeChild(directory, Buffer.from(name, "latin1"), { recursive: true, dryRun, onRemoved });
    } catch (error) {
      report.fail("entry", shownPath(path), targetError(error, "remove"));
    }
  }
}
