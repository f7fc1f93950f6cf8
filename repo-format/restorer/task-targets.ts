// Where the parts of one task go: files that are open, and new files that the thread itself makes in a directory that stays
// open for it. Everything is held until the task has ended.
import { type NewFile, type NewFiles, type NewFilesOptions, newFilesOf } from "../workers/new-files.ts";
import type { RestorePlan } from "./restore-plan.ts";
import type { TargetDirectories } from "./target-directories.ts";
import type { TargetFiles } from "./target-files.ts";
import type { PartTarget } from "./write-batches.ts";

export interface TaskTarget extends PartTarget {
  readonly file: number;
}

export class TaskTargets {
  /** In the order in which they were added. */
  readonly list: TaskTarget[] = [];
  readonly #plan: RestorePlan;
  readonly #files: TargetFiles;
  readonly #directories: TargetDirectories;
  readonly #newFiles: NewFile[] = [];
  /** Descriptors by row. */
  readonly #held = new Map<number, number>();

  constructor(plan: RestorePlan, files: TargetFiles, directories: TargetDirectories) {
    this.#plan = plan;
    this.#files = files;
    this.#directories = directories;
  }

  /** @param part -1: the file has none. @throws what opening throws; then nothing was added. */
  add(part: number, file: number): void {
    if (this.#plan.isMadeAtOnce(file) && this.#files.isUntouched(file)) this.#addNew(part, file);
    else this.list.push({ part, file, fd: this.#files.acquire(file), isSparse: this.#files.isSparse(file) });
  }

  newFiles(how: NewFilesOptions): NewFiles | undefined {
    return this.#newFiles.length === 0 ? undefined : newFilesOf(this.#newFiles, how);
  }

  release(): void {
    for (const { file, fd } of this.list) if (fd >= 0) this.#files.release(file);
    for (const directory of this.#held.keys()) this.#directories.release(directory);
  }

  #addNew(part: number, file: number): void {
    const { files } = this.#plan;
    const row = files.directory.get(file);
    let directory = this.#held.get(row);
    if (directory === undefined) {
      directory = this.#directories.hold(row).fd;
      this.#held.set(row, directory);
    }
    const name = files.names.get(file);
    const metadata = files.metadata.get(file);
    if (metadata === undefined) throw new Error(`bug: the metadata of file ${file} are not known`);
    const number = this.#newFiles.push({ directory, name, metadata }) - 1;
    this.list.push({ part, file, fd: -1 - number, isSparse: false });
  }
}
