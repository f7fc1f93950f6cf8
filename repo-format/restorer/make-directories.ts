// Makes the directories of a plan, parents first. They are private until their metadata come last of all.

import { setImmediate } from "node:timers/promises";
import { throwIfCancelled } from "../errors.ts";
import { removeChild } from "../file-tree/remove.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { makeDirectory } from "../file-tree/write-node.ts";
import { type RestorePlan, shownPath } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { TargetDirectories } from "./target-directories.ts";

/** Between two looks at the event loop, where locks are refreshed. */
const directoriesPerTurn = 500;

/**
 * A file, link or special file in the way is removed; a directory that cannot be made is reported, and nothing below it is
 * touched.
 * @throws RepositoryError "target-full", "cancelled".
 */
export async function makeDirectories(
  plan: RestorePlan,
  target: TargetDirectories,
  report: RestoreReport,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [number, row] of plan.directories.entries()) {
    if (row.parent < 0 || !row.isNeeded) continue;
    if (number % directoriesPerTurn === 0) await setImmediate();
    throwIfCancelled(signal);
    if (plan.directories[row.parent]?.isBlocked === true) row.isBlocked = true;
    if (row.isBlocked || row.standing === "directory") continue;
    try {
      const parent = target.open(row.parent);
      const name = Buffer.from(row.name, "latin1");
      if (row.standing === "other") removeChild(parent, name);
      makeDirectory(parent, name);
    } catch (error) {
      const failure = targetError(error, "make the directory");
      if (failure.code === "target-full") throw failure;
      row.isBlocked = true;
      report.fail("entry", shownPath(plan.directoryPath(number)), failure);
    }
  }
}
