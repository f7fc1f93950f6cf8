// Last step of a restore, directory by directory, deepest first, so that nothing below one changes after its metadata are
// set: each gets its links and special files, loses what the snapshot does not have, and gives its entries their metadata.
import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../errors.ts";
import type { BlobId } from "../format/id.ts";
import { type Uint32Column, u32 } from "./column.ts";
import { isDamage } from "./damage.ts";
import { directoryMark } from "./directory-table.ts";
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
  const { directories } = plan;
  const withTree = rowsWithTree(context);
  let treesTaken = 0;
  // Rows of directories come before those of everything below them.
  for (let row = directories.count - 1; row >= 0; row--) {
    if (row % directoriesPerTurn === 0) await setImmediate();
    throwIfCancelled(signal);
    if (!isFinishable(context, row)) continue;
    if (treesTaken < withTree.length && row === withTree.get(treesTaken)) {
      trees.expect((count) => treesFrom(context, withTree, treesTaken, count));
      treesTaken++;
      await finishWithTree(context, row, () => trees.take(directories.tree(row)));
    } else {
      finishNewDirectories(context, row);
    }
    report.progress();
  }
}

/** Directories whose trees have to be read once more, in the order in which they are finished. */
function rowsWithTree(context: FinishContext): Uint32Column {
  const rows = u32();
  for (let row = context.plan.directories.count - 1; row >= 0; row--)
    if (isFinishable(context, row) && !isFinishedWithoutTree(context, row)) rows.push(row);
  return rows;
}

function treesFrom({ plan }: FinishContext, rows: Uint32Column, first: number, count: number): BlobId[] {
  const next = rows.array.subarray(first, Math.min(first + count, rows.length));
  return Array.from(next, (row) => plan.directories.tree(row));
}

async function finishWithTree(context: FinishContext, row: number, take: () => Promise<Buffer>): Promise<void> {
  const { plan, report } = context;
  try {
    await new DirectoryFinisher(context, row).finish(await take());
  } catch (error) {
    if (!isDamage(error)) throw error;
    // A tree that was damaged before was reported then; what could be read of it is finished.
    if (plan.directories.is(row, directoryMark.complete))
      report.fail("tree", shownPath(plan.directoryPath(row)), error);
  }
}

function isFinishable({ plan, subtrees }: FinishContext, row: number): boolean {
  const { directories } = plan;
  if (subtrees?.isFinished(row) === true) return false;
  const isEntered = directories.is(row, directoryMark.needed) && directories.is(row, directoryMark.childMayBeSelected);
  return isEntered && !directories.is(row, directoryMark.blocked);
}
