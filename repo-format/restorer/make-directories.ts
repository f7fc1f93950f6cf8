// Makes those directories of a plan that are no work for a thread (new-subtrees.ts), parents first. They are private until their
// metadata come last of all.

import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../errors.ts";
import { removeChild } from "../file-tree/remove.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { makeDirectory } from "../file-tree/write-node.ts";
import { directoryMark } from "./directory-table.ts";
import type { NewSubtrees } from "./new-subtrees.ts";
import { type RestorePlan, shownPath } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { TargetDirectories } from "./target-directories.ts";

/** Between two looks at the event loop, where locks are refreshed. */
const directoriesPerTurn = 500;

interface MakeDirectoriesContext {
  readonly plan: RestorePlan;
  /** Left out: they are made in one go with what is in them. */
  readonly subtrees: Pick<NewSubtrees, "has">;
  readonly directories: TargetDirectories;
  readonly report: RestoreReport;
  readonly signal: AbortSignal | undefined;
}

/**
 * A file, link or special file in the way is removed; a directory that cannot be made is reported, and nothing below it is
 * touched.
 * @throws RepositoryError "target-full", "cancelled".
 */
export async function makeDirectories(context: MakeDirectoriesContext): Promise<void> {
  const { plan, subtrees, directories: target, report, signal } = context;
  const { directories } = plan;
  // Row 0 is the target itself.
  for (let row = 1; row < directories.count; row++) {
    if (!directories.is(row, directoryMark.needed) || subtrees.has(row)) continue;
    if (row % directoriesPerTurn === 0) await setImmediate();
    throwIfCancelled(signal);
    if (directories.is(directories.parent(row), directoryMark.blocked)) directories.mark(row, directoryMark.blocked);
    if (directories.is(row, directoryMark.blocked) || directories.standing(row) === "directory") continue;
    try {
      const parent = target.open(directories.parent(row));
      const name = directories.nameBytes(row);
      if (directories.standing(row) === "other") removeChild(parent, name);
      makeDirectory(parent, name);
    } catch (error) {
      const failure = targetError(error, "make the directory");
      if (failure.code === "target-full") throw failure;
      directories.mark(row, directoryMark.blocked);
      report.fail("entry", shownPath(plan.directoryPath(row)), failure);
    }
  }
}
