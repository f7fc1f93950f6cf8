// Last step of a restore, directory by directory, deepest first, so that nothing below one changes after its metadata are
// set: each gets its links and special files, loses what the snapshot does not have, and gives its entries their metadata.
import { throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import { isDamage } from "./damage.ts";
import { DirectoryFinisher, type FinishContext } from "./finish-directory.ts";
import { shownPath } from "./restore-plan.ts";
import { TreePrefetch } from "./tree-prefetch.ts";

/** @throws RepositoryError "target-full", "cancelled", errors of the store that concern more than one tree. */
export async function finishMetadata(context: FinishContext): Promise<void> {
  const { plan, repo, signal, report } = context;
  const trees = new TreePrefetch(repo, signal);
  const treeOf = (row: number): BlobId => plan.directories[row]?.tree as BlobId;
  // Rows of directories come before those of everything below them.
  const rows = [...plan.directories.keys()].reverse().filter((row) => isFinishable(context, row));
  for (const [index, row] of rows.entries()) {
    throwIfCancelled(signal);
    trees.expect((count) => rows.slice(index, index + count).map(treeOf));
    try {
      const tree = await trees.take(treeOf(row));
      await new DirectoryFinisher(context, row).finish(tree);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // A tree that was damaged before was reported then; what could be read of it is finished.
      if (plan.directories[row]?.isComplete) report.fail("tree", shownPath(plan.directoryPath(row)), error);
    }
    report.progress();
  }
}

function isFinishable({ plan }: FinishContext, row: number): boolean {
  const directory = plan.directories[row];
  return directory?.isNeeded === true && directory.childMayBeSelected && !directory.isBlocked;
}
