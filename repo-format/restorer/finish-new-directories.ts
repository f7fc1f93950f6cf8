// Finishes a directory whose tree need not be read again: its files are finished, and all that is left are the metadata of
// the directories in it, which this restore has made. Of 40,440 entries none needs its tree, which halves the trees' part of
// the main thread's work.
import { applyMetadata, type MetadataProblem } from "../file-tree/apply-metadata.ts";
import { applyPlainMetadata, inheritedMetadata, type PlainMetadata, plainNode } from "../file-tree/plain-metadata.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { directoryMark } from "./directory-table.ts";
import type { FinishContext } from "./finish-directory.ts";
import { noteProblems } from "./note-results.ts";
import { shownPath } from "./restore-plan.ts";
import type { TargetDirectories } from "./target-directories.ts";

/** True when nothing of the directory's tree is needed any more. */
export function isFinishedWithoutTree(context: FinishContext, directory: number): boolean {
  const { plan, dryRun } = context;
  const { directories } = plan;
  const mayHoldMore = context.delete && directories.standing(directory) === "directory";
  return !dryRun && !mayHoldMore && directories.is(directory, directoryMark.complete) && !plan.needsTree(directory);
}

/** @throws RepositoryError "target-full". */
export function finishNewDirectories(context: FinishContext, parent: number): void {
  const { plan, subtrees, directories: target } = context;
  const { directories } = plan;
  const first = directories.firstDirectory.get(parent);
  for (let child = first; child < directories.count && directories.parent(child) === parent; child++) {
    const isMade = directories.is(child, directoryMark.needed) && !directories.is(child, directoryMark.blocked);
    if (!isMade || subtrees?.isFinished(child) === true) continue;
    const metadata = directories.metadata.get(child);
    if (metadata === undefined || target === undefined) continue;
    finishDirectory(context, target, child, metadata);
  }
}

function finishDirectory(
  context: FinishContext,
  directories: TargetDirectories,
  child: number,
  metadata: PlainMetadata,
): void {
  const { plan, report } = context;
  const path = (): string => shownPath(plan.directoryPath(child));
  let isRight = true;
  try {
    isRight = noteProblems(report, path, applyTo(context, directories, child, metadata));
  } catch (error) {
    isRight = false;
    const failure = targetError(error, "restore the dir");
    if (failure.code === "target-full") throw failure;
    report.fail("entry", path(), failure);
  }
  if (isRight && plan.directories.is(child, directoryMark.selected)) report.restored("dir restored", path, 0);
}

function applyTo(
  context: FinishContext,
  directories: TargetDirectories,
  child: number,
  metadata: PlainMetadata,
): MetadataProblem[] {
  const { fd } = directories.open(child);
  const inherited = inheritedMetadata(fd);
  if (!inherited.hasAttributes) return applyPlainMetadata(fd, metadata, inherited, context.metadata.isRoot);
  const { plan } = context;
  const name = plan.directories.nameBytes(child);
  return applyMetadata(
    directories.open(plan.directories.parent(child)),
    name,
    plainNode("dir", name, metadata),
    context.metadata,
  );
}
