// Files that a task makes: each is created in its directory, filled, given its metadata and closed before the next one
// begins, so that no descriptor crosses a thread and none is opened twice: 231,000 system calls for 40,000 small files, 399,000
// when the main thread opened them and set their metadata by their paths afterwards (1.1 s of system time, now 0.65).
import type { MetadataProblem } from "../file-tree/apply-metadata.ts";
import { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { statOpened } from "../file-tree/opened-file.ts";
import {
  applyPlainMetadata,
  type InheritedMetadata,
  inheritedMetadata,
  type PlainMetadata,
} from "../file-tree/plain-metadata.ts";
import { createFilled, writeAt } from "../file-tree/write-node.ts";
import { metadataAt, metadataOf, nameAt, namesOf } from "./entry-columns.ts";

export interface NewFilesOptions {
  /** See applyPlainMetadata. */
  readonly isRoot: boolean;
  /** Whether somebody wants to know the files again. */
  readonly isIdentified: boolean;
}

/** One row a file. */
export interface NewFiles extends NewFilesOptions {
  /** Descriptors, open until the task has ended; rows in a task that makes the directories, too. */
  readonly directories: Int32Array;
  /** Raw names, back to back. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  readonly metadata: Float64Array;
}

export interface NewFile {
  /** As in NewFiles. */
  readonly directory: number;
  /** Raw bytes as latin1. */
  readonly name: string;
  readonly metadata: PlainMetadata;
}

export function newFilesOf(files: readonly NewFile[], options: NewFilesOptions): NewFiles {
  return {
    ...options,
    ...namesOf(files.map(({ name }) => name)),
    directories: Int32Array.from(files, ({ directory }) => directory),
    metadata: metadataOf(files.map(({ metadata }) => metadata)),
  };
}

/** Five a file: device, inode, size, times of modification and of change in nanoseconds. */
const identityColumns = 5;

/** What a stat of one of the files said when it was complete. */
export interface MadeIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export function identityOf(identities: BigInt64Array, file: number): MadeIdentity {
  const at = file * identityColumns;
  const [dev = 0n, ino = 0n, size = 0n, mtimeNs = 0n, ctimeNs = 0n] = identities.subarray(at, at + identityColumns);
  return { dev, ino, size, mtimeNs, ctimeNs };
}

/** Where a file is made. */
interface FilePlace {
  readonly directory: DirectoryHandle;
  /** Files with the same kinship inherit the same: those of one directory, or of directories that were made alike. */
  readonly kinship: number;
}

/** What came of a file that was made and filled. */
export interface MadeFile {
  /** False: it inherited what it may not have; somebody has to look at it again. */
  readonly isFinished: boolean;
  readonly problems: readonly { readonly message: string; readonly isError: boolean }[];
}

const right: MadeFile = { isFinished: true, problems: [] };

export function madeOf(problems: readonly MetadataProblem[]): MadeFile {
  if (problems.length === 0) return right;
  return { isFinished: true, problems: problems.map(({ message, isError }) => ({ message, isError })) };
}

/** Serves one task. */
export class NewFileMaker {
  readonly #files: NewFiles;
  /** By kinship. */
  readonly #inherited = new Map<number, InheritedMetadata>();
  #directory: DirectoryHandle | undefined;
  /** See identityOf; of files that were not made, zeros. */
  readonly identities: BigInt64Array<ArrayBuffer> | undefined;
  /** The file that was made last exists, whatever happened afterwards. */
  isMade = false;

  constructor(files: NewFiles) {
    this.#files = files;
    if (files.isIdentified) this.identities = new BigInt64Array(files.nameEnds.length * identityColumns);
  }

  /** Makes the file in the directory of its row. @throws EEXIST when the name is taken; Node's errors. */
  make(file: number, bytes: Uint8Array): MadeFile {
    const fd = this.#files.directories[file] as number;
    return this.makeIn({ directory: this.#handleOf(fd), kinship: fd }, file, bytes);
  }

  /** The same in a directory that the caller has opened. */
  makeIn({ directory, kinship }: FilePlace, file: number, bytes: Uint8Array): MadeFile {
    this.isMade = false;
    let made = right;
    createFilled(directory, nameAt(this.#files, file), (fd) => {
      this.isMade = true;
      if (bytes.length > 0) writeAt(fd, bytes, 0);
      const inherited = this.#inheritedBy(kinship, fd);
      if (inherited.hasAttributes) made = { isFinished: false, problems: [] };
      else made = madeOf(applyPlainMetadata(fd, metadataAt(this.#files.metadata, file), inherited, this.#files.isRoot));
      this.#identify(file, fd);
    });
    return made;
  }

  #identify(file: number, fd: number): void {
    if (this.identities === undefined) return;
    const { dev, ino, size, mtimeNs, ctimeNs } = statOpened(fd);
    this.identities.set([dev, ino, size, mtimeNs, ctimeNs], file * identityColumns);
  }

  #handleOf(fd: number): DirectoryHandle {
    if (this.#directory?.fd !== fd) this.#directory = DirectoryHandle.ofDescriptor(fd);
    return this.#directory as DirectoryHandle;
  }

  /** Asked once for each directory of a task: its other files get the same from it. */
  #inheritedBy(kinship: number, fd: number): InheritedMetadata {
    let inherited = this.#inherited.get(kinship);
    if (inherited === undefined) {
      inherited = inheritedMetadata(fd);
      this.#inherited.set(kinship, inherited);
    }
    return inherited;
  }
}
