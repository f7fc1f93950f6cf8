// Makes directories with the empty files in them, or finishes directories that are there: one after the other from the top,
// each opened once, in the one above it, and closed when all that the task has below it is done. So the files of a directory
// are made while the kernel has it at hand, and no descriptor crosses a thread.
import type { SerializedRepositoryError } from "../errors.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { applyPlainMetadata, type InheritedMetadata, inheritedMetadata } from "../file-tree/plain-metadata.ts";
import { targetError } from "../file-tree/target-errors.ts";
import { makeDirectory } from "../file-tree/write-node.ts";
import { metadataAt, type NameColumns, nameAt } from "./entry-columns.ts";
import { type MadeFile, madeOf, NewFileMaker, type NewFiles } from "./new-files.ts";

/** What became of a directory. */
export const directoryState = {
  /** Could not be made or opened; nothing below it was touched. */
  failed: 0,
  /** Is there, and has to get its metadata yet. */
  there: 1,
  /** Has its metadata, and everything below it. */
  finished: 2,
} as const;

/** One row a directory, each after the one above it and before its next sibling: a walk from the top. */
interface TaskDirectories extends NameColumns {
  /** Row of the directory above; −1 − descriptor of one outside of the task, open until it has ended. */
  readonly parents: Int32Array;
  readonly metadata: Float64Array;
  /** 1: gets its metadata when everything below it has been done. */
  readonly mayFinish: Uint8Array;
}

export interface DirectoriesTask {
  readonly kind: "directories";
  /** False: they are there. */
  readonly isMaking: boolean;
  readonly directories: TaskDirectories;
  /** Without any bytes, in the order of their directories, which are rows. */
  readonly files: NewFiles;
}

export interface DirectoriesResult {
  readonly kind: "directories-done";
  /** One a directory. */
  readonly states: Uint8Array;
  readonly failures: readonly { readonly directory: number; readonly error: SerializedRepositoryError }[];
  /** Of directories that are finished. */
  readonly problems: readonly { readonly directory: number; readonly problems: MadeFile["problems"] }[];
  readonly failedFiles: readonly FailedFile[];
  /** Files that are there, but not as they should be in every respect. */
  readonly unfinishedFiles: readonly (MadeFile & { readonly file: number })[];
}

interface FailedFile {
  readonly file: number;
  /** The file is there. */
  readonly isMade: boolean;
  readonly error: SerializedRepositoryError;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

const nothing = new Uint8Array(0);

/** Files whose directory is not there are neither made nor spoken of. */
export function runDirectoriesTask(task: DirectoriesTask): DirectoriesResult {
  return new DirectoriesRun(task).run();
}

interface OpenDirectory {
  readonly row: number;
  readonly handle: DirectoryHandle;
  /** Nothing below it is missing or waits for somebody. */
  isComplete: boolean;
}

class DirectoriesRun {
  readonly #task: DirectoriesTask;
  readonly #maker: NewFileMaker;
  readonly #result: Mutable<DirectoriesResult>;
  /** From the top down. */
  readonly #open: OpenDirectory[] = [];
  /** By the directory outside in which a tree of new directories begins: all of them inherit the same from it. */
  readonly #inherited = new Map<number, InheritedMetadata>();
  #outside: DirectoryHandle | undefined;
  #nextFile = 0;

  constructor(task: DirectoriesTask) {
    this.#task = task;
    this.#maker = new NewFileMaker(task.files);
    const states = new Uint8Array(task.directories.parents.length);
    this.#result = {
      kind: "directories-done",
      states,
      failures: [],
      problems: [],
      failedFiles: [],
      unfinishedFiles: [],
    };
  }

  run(): DirectoriesResult {
    const { parents } = this.#task.directories;
    try {
      for (const [row, parent] of parents.entries()) {
        if (parent >= 0 && this.#result.states[parent] === directoryState.failed) this.#skipFiles(row);
        else this.#take(row, parent);
      }
    } finally {
      this.#leaveUntil(-1);
    }
    return this.#result;
  }

  #take(row: number, parent: number): void {
    this.#leaveUntil(parent);
    const above = this.#handleOf(parent);
    const name = nameAt(this.#task.directories, row);
    try {
      if (this.#task.isMaking) makeDirectory(above, name);
      if (this.#isOpened(row)) this.#open.push({ row, handle: above.openChild(name), isComplete: true });
      this.#result.states[row] = directoryState.there;
    } catch (error) {
      this.#markIncomplete();
      this.#result.failures.push({ directory: row, error: targetError(error, this.#action()).toJSON() });
      this.#skipFiles(row);
      return;
    }
    this.#makeFiles(row);
  }

  #action(): string {
    return this.#task.isMaking ? "make the directory" : "restore the dir";
  }

  /** One without anything that this task does in it is not even opened. */
  #isOpened(row: number): boolean {
    const { directories, files } = this.#task;
    const isAbove = directories.parents[row + 1] === row;
    return isAbove || directories.mayFinish[row] === 1 || files.directories[this.#nextFile] === row;
  }

  #handleOf(parent: number): DirectoryHandle {
    const above = this.#open.at(-1);
    if (parent >= 0 && above !== undefined) return above.handle;
    const fd = -1 - parent;
    if (this.#outside?.fd !== fd) this.#outside = DirectoryHandle.ofDescriptor(fd);
    return this.#outside as DirectoryHandle;
  }

  #makeFiles(row: number): void {
    const { directories } = this.#task.files;
    const directory = this.#open.at(-1)?.handle;
    for (; directories[this.#nextFile] === row; this.#nextFile++) {
      const file = this.#nextFile;
      try {
        const place = { directory: directory as DirectoryHandle, kinship: this.#kinship() };
        const made = this.#maker.makeIn(place, file, nothing);
        if (!made.isFinished) this.#markIncomplete();
        if (!made.isFinished || made.problems.length > 0) this.#result.unfinishedFiles.push({ file, ...made });
      } catch (error) {
        const { isMade } = this.#maker;
        this.#markIncomplete();
        this.#result.failedFiles.push({ file, isMade, error: targetError(error, "open the file").toJSON() });
      }
    }
  }

  #skipFiles(row: number): void {
    while (this.#task.files.directories[this.#nextFile] === row) this.#nextFile++;
  }

  /** New directories differ in nothing that what is made in them would inherit. */
  #kinship(): number {
    return this.#outside?.fd ?? -1;
  }

  #markIncomplete(): void {
    const directory = this.#open.at(-1);
    if (directory !== undefined) directory.isComplete = false;
  }

  /** Closes, and finishes, all but the given row and those above it. */
  #leaveUntil(parent: number): void {
    for (let last = this.#open.at(-1); last !== undefined && last.row !== parent; last = this.#open.at(-1)) {
      if (last.isComplete && this.#task.directories.mayFinish[last.row] === 1) this.#finish(last);
      this.#open.pop();
      last.handle.close();
      if (this.#result.states[last.row] !== directoryState.finished) this.#markIncomplete();
    }
  }

  #finish({ row, handle }: OpenDirectory): void {
    const { directories, files } = this.#task;
    try {
      const inherited = this.#inheritedBy(handle.fd);
      // Attributes have to be removed, which somebody else does.
      if (inherited.hasAttributes) return;
      const { problems } = madeOf(
        applyPlainMetadata(handle.fd, metadataAt(directories.metadata, row), inherited, files.isRoot),
      );
      if (problems.length > 0) this.#result.problems.push({ directory: row, problems });
      this.#result.states[row] = directoryState.finished;
    } catch {
      // It is tried once more, by whoever reports what is wrong with it.
    }
  }

  /** What is there already may have been changed by others. */
  #inheritedBy(fd: number): InheritedMetadata {
    if (!this.#task.isMaking) return inheritedMetadata(fd);
    const kinship = this.#kinship();
    let inherited = this.#inherited.get(kinship);
    if (inherited === undefined) {
      inherited = inheritedMetadata(fd);
      this.#inherited.set(kinship, inherited);
    }
    return inherited;
  }
}
