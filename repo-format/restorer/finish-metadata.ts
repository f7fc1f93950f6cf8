// Last step of a restore, directory by directory, deepest first, so that nothing below one changes after its metadata are
// set: each gets its links and special files, loses what the snapshot does not have, and gives its entries their metadata.
import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import { isDamage } from "./damage.ts";
import { DirectoryFinisher, type FinishContext } from "./finish-directory.ts";
import { finishNewDirectories, isFinishedWithoutTree } from "./finish-new-directories.ts";
import { shownPath } from "./restore-plan.ts";
import { TreePrefetch } from "./tree-prefetch.ts";

/** Between two looks at the event loop, where locks are refreshed. */
const directoriesPerTurn = 500;

/** @throws RepositoryError "target-full", "cancelled", errors of the store that concern more than one tree. */
export async function finishMetadata(context: FinishContext): Promise<void> {
  const { plan, repo, signal, report } = context;
  const trees = new TreePrefetch(repo, signal);
  const treeOf = (row: number): BlobId => plan.directories[row]?.tree as BlobId;
  // Rows of directories come before those of everything below them.
  const rows = [...plan.directories.keys()].reverse().filter((row) => isFinishable(context, row));
  const isTreeless = (row: number): boolean => isFinishedWithoutTree(context, row);
  const withTree = rows.filter((row) => !isTreeless(row));
  let treesTaken = 0;
  for (const [index, row] of rows.entries()) {
    if (index % directoriesPerTurn === 0) await setImmediate();
    throwIfCancelled(signal);
    if (row === withTree[treesTaken]) {
      trees.expect((count) => withTree.slice(treesTaken, treesTaken + count).map(treeOf));
      treesTaken++;
      await finishWithTree(context, row, () => trees.take(treeOf(row)));
    } else {
      finishNewDirectories(context, row);
    }
    report.progress();
  }
}

async function finishWithTree(context: FinishContext, row: number, take: () => Promise<Buffer>): Promise<void> {
  const { plan, report } = context;
  try {
    await new DirectoryFinisher(context, row).finish(await take());
  } catch (error) {
    if (!isDamage(error)) throw error;
    // A tree that was damaged before was reported then; what could be read of it is finished.
    if (plan.directories[row]?.isComplete) report.fail("tree", shownPath(plan.directoryPath(row)), error);
  }
}

function isFinishable({ plan }: FinishContext, row: number): boolean {
  const directory = plan.directories[row];
  return directory?.isNeeded === true && directory.childMayBeSelected && !directory.isBlocked;
}
