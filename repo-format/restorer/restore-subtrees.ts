// Has the worker threads make new directories with the empty files in them, and finish them: at once where that was all, and
// otherwise when their files have their data.
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import type { PlainMetadata } from "../file-tree/plain-metadata.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { type DirectoriesResult, type DirectoriesTask, directoryState } from "../workers/directories-task.ts";
import { metadataOf, namesOf } from "../workers/entry-columns.ts";
import { type NewFile, newFilesOf } from "../workers/new-files.ts";
import { withBoundedTasks } from "./bounded-tasks.ts";
import type { RestoreThreads } from "./compare-file.ts";
import { directoryMark } from "./directory-table.ts";
import type { NewSubtrees, SubtreeRow } from "./new-subtrees.ts";
import { noteComplete, noteFinished, noteProblems } from "./note-results.ts";
import { fileAction, type RestorePlan, shownPath } from "./restore-plan.ts";
import type { RestoreReport } from "./restore-report.ts";
import type { TargetDirectories } from "./target-directories.ts";
import type { TargetFiles } from "./target-files.ts";

export interface SubtreesContext {
  readonly plan: RestorePlan;
  readonly subtrees: NewSubtrees;
  readonly directories: TargetDirectories;
  readonly files: Pick<TargetFiles, "noteMade">;
  readonly threads: RestoreThreads;
  readonly report: RestoreReport;
  /** See applyPlainMetadata. */
  readonly isRoot: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Two for each thread, so that none waits; each holds up to 32 directories open. */
const tasksPerThread = 2;
const maxTasks = 12;

/**
 * Makes everything; whatever is complete then is finished. A directory that cannot be made is reported, and nothing below it
 * is touched.
 * @throws RepositoryError "target-full", "cancelled", "worker-failed". Nothing is under way any more then.
 */
export async function makeSubtrees(context: SubtreesContext): Promise<void> {
  await runTasks(context, context.subtrees.toMake(), true);
}

/** Finishes what has got its data since. What it cannot finish is left as it is. @throws as makeSubtrees does. */
export async function finishSubtrees(context: SubtreesContext): Promise<void> {
  await runTasks(context, context.subtrees.toFinish(), false);
}

async function runTasks(
  context: SubtreesContext,
  lists: Iterable<readonly SubtreeRow[]>,
  isMaking: boolean,
): Promise<void> {
  const { threads, signal } = context;
  await withBoundedTasks(Math.min(threads.threads * tasksPerThread, maxTasks), async (tasks) => {
    for (const list of lists) {
      throwIfCancelled(signal);
      await tasks.start(() => new SubtreesRun(context, isMaking).run(list));
    }
  });
}

class SubtreesRun {
  readonly #context: SubtreesContext;
  readonly #isMaking: boolean;
  /** By row of the task. */
  readonly #rows: number[] = [];
  readonly #parents: number[] = [];
  readonly #files: number[] = [];
  readonly #newFiles: NewFile[] = [];
  /** Directories outside, held until the task has ended: descriptors by row of the plan. */
  readonly #held = new Map<number, number>();

  constructor(context: SubtreesContext, isMaking: boolean) {
    this.#context = context;
    this.#isMaking = isMaking;
  }

  async run(list: readonly SubtreeRow[]): Promise<void> {
    const { threads, report } = this.#context;
    try {
      this.#take(list);
      if (this.#rows.length === 0) return;
      const result = (await threads.restoreBlobs(this.#task(), [])) as DirectoriesResult;
      this.#settle(result);
    } finally {
      for (const row of this.#held.keys()) this.#context.directories.release(row);
    }
    report.progress();
  }

  #take(list: readonly SubtreeRow[]): void {
    const { directories } = this.#context.plan;
    /** By row of the plan. */
    const taken = new Map<number, number>();
    for (const { row, isFirst } of list) {
      const parent = directories.parent(row);
      const above = isFirst ? this.#openOutside(parent, row) : taken.get(parent);
      if (above === undefined) {
        if (this.#isMaking) directories.mark(row, directoryMark.blocked);
        continue;
      }
      taken.set(row, this.#rows.length);
      this.#takeFiles(row);
      this.#rows.push(row);
      this.#parents.push(above);
    }
  }

  #takeFiles(row: number): void {
    const { plan, subtrees } = this.#context;
    if (!this.#isMaking) return;
    for (const file of subtrees.filesOf(row)) {
      const metadata = plan.files.metadata.get(file);
      if (metadata === undefined || !subtrees.isEmptyNew(file)) continue;
      this.#files.push(file);
      this.#newFiles.push({ directory: this.#rows.length, name: plan.files.names.get(file), metadata });
    }
  }

  /** @returns undefined when it cannot be opened. */
  #openOutside(parent: number, row: number): number | undefined {
    const { plan, directories, report } = this.#context;
    if (plan.directories.is(parent, directoryMark.blocked)) return undefined;
    let fd = this.#held.get(parent);
    if (fd !== undefined) return -1 - fd;
    try {
      fd = directories.hold(parent).fd;
      this.#held.set(parent, fd);
      return -1 - fd;
    } catch (error) {
      // Who finishes what is left says so.
      if (this.#isMaking) report.fail("entry", this.#pathOf(row), targetError(error, "make the directory"));
      return undefined;
    }
  }

  #task(): DirectoriesTask {
    const { plan, subtrees, isRoot } = this.#context;
    const rows = this.#rows;
    return {
      kind: "directories",
      isMaking: this.#isMaking,
      directories: {
        ...namesOf(rows.map((row) => plan.directories.name(row))),
        parents: Int32Array.from(this.#parents),
        metadata: metadataOf(rows.map((row) => plan.directories.metadata.get(row) as PlainMetadata)),
        mayFinish: Uint8Array.from(rows, (row) => (subtrees.isFinishable(row) ? 1 : 0)),
      },
      files: newFilesOf(this.#newFiles, { isRoot, isIdentified: false }),
    };
  }

  #settle({ states, failures, problems, failedFiles, unfinishedFiles }: DirectoriesResult): void {
    const { plan, report } = this.#context;
    const problemsOf = new Map(problems.map((found) => [found.directory, found.problems]));
    if (this.#isMaking) {
      this.#settleFiles(states, failedFiles, unfinishedFiles);
      for (const { directory, error } of failures) this.#failDirectory(directory, RepositoryError.fromJSON(error));
    }
    for (const [index, row] of this.#rows.entries()) {
      const path = (): string => this.#pathOf(row);
      if (this.#isMaking && states[index] === directoryState.failed) plan.directories.mark(row, directoryMark.blocked);
      if (states[index] !== directoryState.finished) continue;
      this.#context.subtrees.noteFinished(row);
      const isRight = noteProblems(report, path, problemsOf.get(index) ?? []);
      if (isRight && plan.directories.is(row, directoryMark.selected)) report.restored("dir restored", path, 0);
    }
  }

  /** Files that could not be made are left to the next step, which knows what to do about each reason. */
  #settleFiles(
    states: Uint8Array,
    failed: DirectoriesResult["failedFiles"],
    unfinished: DirectoriesResult["unfinishedFiles"],
  ): void {
    const { plan, report, files } = this.#context;
    const failures = new Map(failed.map((failure) => [failure.file, failure]));
    const others = new Map(unfinished.map((made) => [made.file, made]));
    for (const [index, file] of this.#files.entries()) {
      const failure = failures.get(index);
      const isTried = states[this.#newFiles[index]?.directory ?? 0] !== directoryState.failed;
      if (!isTried || failure?.isMade === false) continue;
      files.noteMade(file);
      if (failure !== undefined) {
        this.#failFile(file, RepositoryError.fromJSON(failure.error));
        continue;
      }
      const made = others.get(index);
      if (made?.isFinished !== false) noteFinished(plan, report, file, made?.problems ?? []);
      noteComplete(plan, report, file);
    }
  }

  #failDirectory(directory: number, failure: RepositoryError): void {
    if (failure.code === "target-full") throw failure;
    this.#context.report.fail("entry", this.#pathOf(this.#rows[directory] as number), failure);
  }

  #failFile(file: number, failure: RepositoryError): void {
    if (failure.code === "target-full") throw failure;
    const { plan, report } = this.#context;
    plan.files.action.set(file, fileAction.failed);
    report.fail("entry", plan.filePath(file), failure);
  }

  #pathOf(row: number): string {
    return shownPath(this.#context.plan.directoryPath(row));
  }
}
