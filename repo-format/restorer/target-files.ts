// The files of a plan while their data are written: opened when the first bytes come, kept open as long as there is room,
// closed when the last ones are there. A descriptor that a task uses is pinned: it must never be closed under a thread.
import { RepositoryError } from "../errors.ts";
import type { MetadataProblem } from "../file-tree/apply-metadata.ts";
import { closeOpened, statOpened } from "../file-tree/opened-file.ts";
import { applyPlainMetadata, inheritedMetadata } from "../file-tree/plain-metadata.ts";
import { removeChild } from "../file-tree/remove.ts";
import { createFile, openForWriting, reserve, truncate } from "../file-tree/write-node.ts";
import type { RememberedFiles } from "./remembered-files.ts";
import { fileAction, type RestorePlan } from "./restore-plan.ts";
import type { TargetDirectories } from "./target-directories.ts";

/** Files that are begun and wait for more data; those in use come on top. */
const maxIdleFiles = 128;

const fileState = { untouched: 0, opened: 1, created: 2 } as const;

interface OpenFile {
  readonly fd: number;
  users: number;
}

export interface TargetFilesOptions {
  /** A directory in a file's place is removed with all it holds. */
  readonly delete: boolean;
  /** See applyPlainMetadata. */
  readonly isRoot: boolean;
  /** A new file got its metadata when its last bytes were there. */
  readonly onFinished: (file: number, problems: readonly MetadataProblem[]) => void;
  readonly remembered?: Pick<RememberedFiles, "hasReopened" | "hasWritten" | "isDone"> | undefined;
}

export class TargetFiles {
  readonly #plan: RestorePlan;
  readonly #directories: TargetDirectories;
  readonly #options: TargetFilesOptions;
  readonly #open = new Map<number, OpenFile>();
  /** By file: whether it was opened before, and is ours. */
  readonly #states: Uint8Array;

  constructor(plan: RestorePlan, directories: TargetDirectories, options: TargetFilesOptions) {
    this.#plan = plan;
    this.#directories = directories;
    this.#options = options;
    this.#states = new Uint8Array(plan.files.count);
  }

  /** True when zeros need not be written to this file: it began as one hole. */
  isSparse(file: number): boolean {
    const { isSparse, action } = this.#plan.files;
    return isSparse.get(file) === 1 && action.get(file) === fileAction.create;
  }

  isUntouched(file: number): boolean {
    return this.#states[file] === fileState.untouched;
  }

  /** A thread has made the file: it is ours. */
  noteMade(file: number): void {
    this.#states[file] = fileState.created;
  }

  /** A descriptor of the file, pinned until `release`. @throws Node's errors, RepositoryError "target-unwritable". */
  acquire(file: number): number {
    let entry = this.#open.get(file);
    if (entry === undefined) {
      entry = { fd: this.#openFile(file), users: 0 };
    } else {
      this.#open.delete(file);
    }
    this.#open.set(file, entry);
    entry.users++;
    return entry.fd;
  }

  release(file: number): void {
    const entry = this.#open.get(file);
    if (entry === undefined || entry.users === 0) throw new Error(`bug: file ${file} is not in use`);
    entry.users--;
    if (entry.users > 0) return;
    const isDone = this.#plan.files.pendingParts.get(file) === 0;
    if (isDone) this.#finish(file, entry.fd);
    if (isDone || this.#plan.files.action.get(file) === fileAction.failed) this.#close(file, entry);
    else this.#closeIdle();
  }

  /** Closes everything; no task may be under way. */
  close(): void {
    for (const [file, entry] of this.#open) this.#close(file, entry);
  }

  /** Removes a file that this restore has made and could not complete. */
  removeIncomplete(file: number): void {
    if (this.#states[file] !== fileState.created) return;
    removeChild(this.#directories.open(this.#plan.files.directory.get(file)), this.#nameOf(file));
  }

  #openFile(file: number): number {
    const directory = this.#directories.open(this.#plan.files.directory.get(file));
    const name = this.#nameOf(file);
    if (this.#states[file] !== fileState.untouched) {
      const fd = openForWriting(directory, name);
      if (this.#states[file] === fileState.created) this.#options.remembered?.hasReopened(file, fd);
      return fd;
    }
    const sizeBytes = this.#plan.files.sizeBytes.get(file);
    if (this.#plan.files.action.get(file) === fileAction.update) {
      this.#states[file] = fileState.opened;
      return prepared(openForWriting(directory, name), (fd) => truncate(fd, sizeBytes));
    }
    const fd = this.#create(file);
    this.#states[file] = fileState.created;
    const { first, end } = this.#plan.partsOf(file);
    const isWrittenAtOnce = end - first <= 1 && !this.isSparse(file);
    return isWrittenAtOnce ? fd : prepared(fd, () => reserve(fd, sizeBytes, { sparse: this.isSparse(file) }));
  }

  #create(file: number): number {
    const directory = this.#directories.open(this.#plan.files.directory.get(file));
    const name = this.#nameOf(file);
    try {
      return createFile(directory, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    try {
      removeChild(directory, name, { recursive: this.#options.delete });
    } catch (error) {
      const message = `what stands in the file's place cannot be removed: ${(error as Error).message}`;
      throw new RepositoryError("target-unwritable", message, { cause: error });
    }
    return createFile(directory, name);
  }

  /** Metadata by the descriptor that is open anyway: by the path it costs two more opens, and the tree once more. */
  #finish(file: number, fd: number): void {
    const { action, metadata } = this.#plan.files;
    const plain = action.get(file) === fileAction.create ? metadata.get(file) : undefined;
    if (plain === undefined) return;
    const inherited = inheritedMetadata(fd);
    if (inherited.hasAttributes) return;
    const problems = applyPlainMetadata(fd, plain, inherited, this.#options.isRoot);
    this.#options.onFinished(file, problems);
    if (problems.length === 0) this.#options.remembered?.isDone(file, statOpened(fd), this.#plan.contentOf(file));
  }

  #nameOf(file: number): Buffer {
    return this.#plan.files.names.bytes(file);
  }

  #close(file: number, entry: OpenFile): void {
    this.#open.delete(file);
    // A file that existed before may have been changed by others between the comparison and now.
    const isWritten = this.#states[file] === fileState.created;
    if (isWritten && this.#plan.files.action.get(file) !== fileAction.finished) {
      this.#options.remembered?.hasWritten(file, entry.fd);
    }
    closeOpened(entry.fd);
  }

  #closeIdle(): void {
    let idle = 0;
    for (const entry of this.#open.values()) if (entry.users === 0) idle++;
    if (idle <= maxIdleFiles) return;
    for (const [file, entry] of this.#open) {
      if (entry.users > 0) continue;
      this.#close(file, entry);
      return;
    }
  }
}

/** Closes the descriptor when its preparation fails. */
function prepared(fd: number, prepare: (fd: number) => void): number {
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    closeOpened(fd);
    throw error;
  }
}
