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

/** Five a file: mode, uid, gid, seconds and nanoseconds of its time. */
const metadataColumns = 5;

export interface NewFilesOptions {
  /** See applyPlainMetadata. */
  readonly isRoot: boolean;
  /** Whether somebody wants to know the files again. */
  readonly isIdentified: boolean;
}

/** One row a file. */
export interface NewFiles extends NewFilesOptions {
  /** Descriptors, open until the task has ended. */
  readonly directories: Int32Array;
  /** Raw names, back to back. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  readonly metadata: Float64Array;
}

export interface NewFile {
  /** Descriptor. */
  readonly directory: number;
  /** Raw bytes as latin1. */
  readonly name: string;
  readonly metadata: PlainMetadata;
}

export function newFilesOf(files: readonly NewFile[], options: NewFilesOptions): NewFiles {
  const nameEnds = new Uint32Array(files.length);
  const metadata = new Float64Array(files.length * metadataColumns);
  let end = 0;
  for (const [file, { name, metadata: plain }] of files.entries()) {
    end += name.length;
    nameEnds[file] = end;
    metadata.set([plain.mode, plain.uid, plain.gid, plain.seconds, plain.nanoseconds], file * metadataColumns);
  }
  const names = Buffer.from(files.map(({ name }) => name).join(""), "latin1");
  const directories = Int32Array.from(files, ({ directory }) => directory);
  return { ...options, directories, names, nameEnds, metadata };
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

/** What came of a file that was made and filled. */
export interface MadeFile {
  /** False: it inherited what it may not have; somebody has to look at it again. */
  readonly isFinished: boolean;
  readonly problems: readonly { readonly message: string; readonly isError: boolean }[];
}

const right: MadeFile = { isFinished: true, problems: [] };

function madeOf(problems: readonly MetadataProblem[]): MadeFile {
  if (problems.length === 0) return right;
  return { isFinished: true, problems: problems.map(({ message, isError }) => ({ message, isError })) };
}

/** Serves one task. */
export class NewFileMaker {
  readonly #files: NewFiles;
  /** By descriptor of the directory. */
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

  /** @throws EEXIST when the name is taken; Node's errors. */
  make(file: number, bytes: Uint8Array): MadeFile {
    const { directories, names, nameEnds, isRoot } = this.#files;
    this.isMade = false;
    const directory = this.#handleOf(directories[file] as number);
    const name = names.subarray(file === 0 ? 0 : nameEnds[file - 1], nameEnds[file]);
    let made = right;
    createFilled(directory, name, (fd) => {
      this.isMade = true;
      if (bytes.length > 0) writeAt(fd, bytes, 0);
      const inherited = this.#inheritedIn(directory.fd, fd);
      if (inherited.hasAttributes) made = { isFinished: false, problems: [] };
      else made = madeOf(applyPlainMetadata(fd, this.#metadataOf(file), inherited, isRoot));
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
  #inheritedIn(directory: number, fd: number): InheritedMetadata {
    let inherited = this.#inherited.get(directory);
    if (inherited === undefined) {
      inherited = inheritedMetadata(fd);
      this.#inherited.set(directory, inherited);
    }
    return inherited;
  }

  #metadataOf(file: number): PlainMetadata {
    const [mode = 0, uid = 0, gid = 0, seconds = 0, nanoseconds = 0] = this.#files.metadata.subarray(
      file * metadataColumns,
      (file + 1) * metadataColumns,
    );
    return { mode, uid, gid, seconds, nanoseconds };
  }
}
