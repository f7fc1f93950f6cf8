// Which directories of a plan a worker thread can make, and finish, by itself: those that are absent and have nothing but an
// owner, a mode and a time, with all that is below them, in pieces that are a good task. The rest stays with the main thread.
import { directoryMark } from "./directory-table.ts";
import type { RestorePlan } from "./restore-plan.ts";

/** Directories and files of a subtree, and of a task: enough to be worth a message, few enough for an even end. */
const maxEntries = 1024;
/** A thread has a descriptor open for each level. */
const maxLevels = 32;
/** Directories outside of a task in which its subtrees begin. */
const maxOutside = 32;

const rowState = { main: 0, inSubtree: 1, finished: 2 } as const;

/** A directory in a task's list: what is above it comes before it. */
export interface SubtreeRow {
  readonly row: number;
  /** The first of its subtree: the directory above it is not in the task. */
  readonly isFirst: boolean;
}

export class NewSubtrees {
  readonly #plan: RestorePlan;
  /** By directory. */
  readonly #states: Uint8Array;
  /** 1: it and all below it can be finished without looking at a tree once more. */
  readonly #isFinishable: Uint8Array;

  constructor(plan: RestorePlan) {
    this.#plan = plan;
    this.#states = new Uint8Array(plan.directories.count);
    this.#isFinishable = new Uint8Array(plan.directories.count);
    this.#select();
  }

  /** A task makes the directory. */
  has(row: number): boolean {
    return this.#states[row] !== rowState.main;
  }

  isFinished(row: number): boolean {
    return this.#states[row] === rowState.finished;
  }

  /** It has its metadata, and so has everything below it. */
  noteFinished(row: number): void {
    this.#states[row] = rowState.finished;
  }

  /** True when a task that makes it may finish it, too. */
  isFinishable(row: number): boolean {
    return this.#isFinishable[row] === 1;
  }

  /** The lists of tasks that make everything, in the order of the tree. */
  toMake(): Generator<SubtreeRow[], void> {
    this.#markFinishable((row) => this.#holdsNothingElse(row));
    return this.#batches((row) => this.has(row));
  }

  /** Those of tasks that finish what can be finished now and was not yet. */
  toFinish(): Generator<SubtreeRow[], void> {
    this.#markFinishable((row) => !this.#plan.needsTree(row));
    return this.#batches((row) => this.has(row) && this.isFinishable(row) && !this.isFinished(row));
  }

  /** A file that a task makes with its directory. */
  isEmptyNew(file: number): boolean {
    return this.#plan.files.pendingParts.get(file) === 0 && this.#plan.isMadeAtOnce(file);
  }

  /** The files of a directory. */
  *filesOf(row: number): Generator<number, void> {
    const { directories, files } = this.#plan;
    for (let file = directories.firstFile.get(row); file < files.count && files.directory.get(file) === row; file++)
      yield file;
  }

  /** From the last row to the first, so that what is below a directory comes before it. */
  #select(): void {
    const { directories } = this.#plan;
    const sizes = new Uint32Array(directories.count);
    const levels = new Uint8Array(directories.count);
    const hasOthersBelow = new Uint8Array(directories.count);
    for (let row = directories.count - 1; row > 0; row--) {
      if (!directories.is(row, directoryMark.needed)) continue;
      const parent = directories.parent(row);
      const size = (sizes[row] as number) + 1 + this.#fileCount(row);
      const isTask = this.#isMakeable(row) && hasOthersBelow[row] === 0 && size <= maxEntries;
      if (isTask && (levels[row] as number) < maxLevels) this.#states[row] = rowState.inSubtree;
      else hasOthersBelow[parent] = 1;
      sizes[parent] = (sizes[parent] as number) + size;
      levels[parent] = Math.max(levels[parent] as number, Math.min((levels[row] as number) + 1, maxLevels));
    }
  }

  #isMakeable(row: number): boolean {
    const { directories } = this.#plan;
    return directories.standing(row) === "absent" && directories.metadata.has(row);
  }

  #fileCount(row: number): number {
    const { directories, files } = this.#plan;
    const first = directories.firstFile.get(row);
    let end = first;
    while (end < files.count && end - first < maxEntries && files.directory.get(end) === row) end++;
    return end - first;
  }

  #markFinishable(isDone: (row: number) => boolean): void {
    const { directories } = this.#plan;
    this.#isFinishable.fill(1);
    // Whoever makes another name of a file has to get to it.
    for (const file of this.#plan.files.linkTo.values()) this.#isFinishable[this.#plan.files.directory.get(file)] = 0;
    for (let row = directories.count - 1; row > 0; row--) {
      if (!directories.is(row, directoryMark.needed) || this.isFinished(row)) continue;
      if (this.isFinishable(row) && this.has(row) && this.#isKnown(row) && isDone(row)) continue;
      this.#isFinishable[row] = 0;
      this.#isFinishable[directories.parent(row)] = 0;
    }
  }

  /** Nothing that cannot be read, or made, is left in it. */
  #isKnown(row: number): boolean {
    const { directories } = this.#plan;
    if (directories.is(row, directoryMark.blocked)) return false;
    return directories.is(row, directoryMark.complete) || !directories.is(row, directoryMark.childMayBeSelected);
  }

  /** Nothing but directories and what a task makes with them. */
  #holdsNothingElse(row: number): boolean {
    if (this.#plan.directories.is(row, directoryMark.hasOthers)) return false;
    for (const file of this.filesOf(row)) if (!this.isEmptyNew(file)) return false;
    return true;
  }

  /** Lists of whole subtrees: the uppermost directories that are wanted, each with all that is wanted below it. */
  *#batches(isWanted: (row: number) => boolean): Generator<SubtreeRow[], void> {
    let batch: SubtreeRow[] = [];
    let entries = 0;
    const outside = new Set<number>();
    for (const root of this.#uppermost(isWanted)) {
      const parent = this.#plan.directories.parent(root);
      const rows = this.#subtree(root, isWanted);
      const size = rows.reduce((sum, { row }) => sum + 1 + this.#fileCount(row), 0);
      const hasRoom = entries + size <= maxEntries && (outside.size < maxOutside || outside.has(parent));
      if (!hasRoom && batch.length > 0) {
        yield batch;
        batch = [];
        entries = 0;
        outside.clear();
      }
      for (const row of rows) batch.push(row);
      entries += size;
      outside.add(parent);
    }
    if (batch.length > 0) yield batch;
  }

  *#uppermost(isWanted: (row: number) => boolean): Generator<number, void> {
    const stack = [0];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (isWanted(row)) yield row;
      else if (!this.isFinished(row)) this.#pushChildren(row, stack);
    }
  }

  #subtree(root: number, isWanted: (row: number) => boolean): SubtreeRow[] {
    const rows: SubtreeRow[] = [];
    const stack = [root];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (!isWanted(row)) continue;
      rows.push({ row, isFirst: row === root });
      this.#pushChildren(row, stack);
    }
    return rows;
  }

  /** So that they are popped in their order. */
  #pushChildren(row: number, stack: number[]): void {
    const { directories } = this.#plan;
    const first = directories.firstDirectory.get(row);
    let end = first;
    while (end < directories.count && directories.parent(end) === row) end++;
    for (let child = end - 1; child >= first; child--)
      if (directories.is(child, directoryMark.needed)) stack.push(child);
  }
}
