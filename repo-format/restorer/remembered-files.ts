// Tells the next backup which files it need not read: those that this restore has written itself, or compared to the last
// byte, and that nobody else touched before their metadata were set. What is in doubt is not told of.
import type { DirectoryHandle } from "../file-tree/directory-handle.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { statChild } from "../file-tree/node-metadata.ts";
import { statOpened } from "../file-tree/opened-file.ts";
import type { BlobId } from "../format/id.ts";
import type { Node } from "../format/node.ts";
import type { FileIdentity } from "../notes/file-identity.ts";
import type { LocalNotes, RestoreDescription } from "../notes/local-notes.ts";
import type { RestoredFilesWriter } from "../notes/restored-files.ts";

const firstCapacity = 1024;

export class RememberedFiles {
  readonly #notes: LocalNotes;
  #writer: RestoredFilesWriter | undefined;
  /** By file: what it was like when its content was right; 4 bytes, compared only. 0: that was never so. */
  #seen = new Uint32Array(firstCapacity);
  /** Files that others have touched while they were incomplete: rare, if there are any. */
  readonly #doubtful = new Set<number>();

  constructor(notes: LocalNotes) {
    this.#notes = notes;
  }

  /** The file is closed after bytes were written to it, or was compared and is right. */
  hasContent(file: number, stat: FileStat): void {
    if (file >= this.#seen.length) {
      const grown = new Uint32Array(Math.max(file + 1, this.#seen.length * 2));
      grown.set(this.#seen);
      this.#seen = grown;
    }
    this.#seen[file] = imprintOf(stat);
  }

  /** The same for an open file. */
  hasWritten(file: number, fd: number): void {
    try {
      this.hasContent(file, statOpened(fd));
    } catch {
      this.#doubtful.add(file);
    }
  }

  /** A file that was closed incomplete is opened once more: is it as it was left? */
  hasReopened(file: number, fd: number): void {
    const before = this.#seen[file];
    this.hasWritten(file, fd);
    if (this.#seen[file] !== before) this.#doubtful.add(file);
  }

  /** The data come next. */
  begin(about: RestoreDescription, fileCount: number): void {
    this.#writer = this.#notes.beginRestored(about, fileCount);
  }

  /** Sets the metadata by `apply`, and notes the file when that went well and it is still as it was written. */
  finishFile(
    file: number,
    node: Node,
    place: { readonly directory: () => DirectoryHandle; readonly apply: () => boolean },
  ): void {
    const imprint = this.#doubtful.has(file) ? 0 : (this.#seen[file] ?? 0);
    const isWanted = this.#writer !== undefined && imprint !== 0 && node.size > 0 && node.content !== undefined;
    const before = isWanted ? statOf(place.directory(), node) : undefined;
    const isRight = place.apply();
    if (before === undefined || !isRight || imprintOf(before) !== imprint) return;
    const after = statOf(place.directory(), node);
    if (after === undefined || !isSameFile(before, after)) return;
    this.#add(after, node.content ?? []);
  }

  /**
   * A file has its bytes and its metadata, set through the descriptor by which it was written.
   * @param identity looked up after that.
   */
  isDone(file: number, identity: FileIdentity, content: readonly BlobId[]): void {
    if (content.length > 0 && !this.#doubtful.has(file)) this.#add(identity, content);
  }

  /** Everything is restored. */
  async finish(): Promise<void> {
    if (this.#writer !== undefined) await this.#notes.finishRestored(this.#writer);
    this.#writer = undefined;
  }

  /** After a failure: nothing is told of. */
  abandon(): void {
    this.#writer?.abandon();
    this.#writer = undefined;
  }

  #add(identity: FileIdentity, content: readonly BlobId[]): void {
    try {
      this.#writer?.add(identity, content);
    } catch {
      // No room for the note: what it has does not help much, and the restore matters more.
      this.abandon();
    }
  }
}

/** Of which file it is, and when it was written to; never 0. */
function imprintOf({ ino, mtimeNs, size }: FileStat): number {
  // Odd factors, so that no bit is lost; equal numbers of different files are one in four thousand million.
  const mixed = BigInt.asUintN(
    64,
    ino * 0x9e3779b97f4a7c15n + mtimeNs * 0xbf58476d1ce4e5b9n + size * 0x94d049bb133111ebn,
  );
  return Number(mixed >> 32n) || 1;
}

/** Other names of a file would change its ctime once more when they are made. */
function isSameFile(before: FileStat, after: FileStat): boolean {
  return after.isFile() && after.ino === before.ino && after.size === before.size && after.nlink === 1n;
}

/** Undefined when it is gone: whoever sets its metadata says so. */
function statOf(directory: DirectoryHandle, { name }: Node): FileStat | undefined {
  try {
    return statChild(directory, name);
  } catch {
    return undefined;
  }
}
