// A restore as a value: which directories, files and parts of packs it needs. Everything lies in columns, about 50 bytes a
// file, 65 a blob and 75 a directory, because a volume may have millions of either.
import { plaintextLength } from "../format/blob.ts";
import { type BlobId, idBytes, idFromBytes, idToBytes, type PackId } from "../format/id.ts";
import { type Float64Column, f64, type Uint8Column, type Uint32Column, u8, u32 } from "./column.ts";
import { DirectoryTable, directoryMark } from "./directory-table.ts";
import { NameColumn } from "./name-column.ts";
import { PlainMetadataTable } from "./plain-metadata-table.ts";

/** What is done with a file. */
export const fileAction = {
  /** Made anew; what stands in its place goes first. */
  create: 0,
  /** Exists; the parts that differ are written. */
  update: 1,
  /** Content is right already; gets its metadata. */
  keep: 2,
  /** Left alone altogether. */
  skip: 3,
  /** Another name of a file that comes before. */
  link: 4,
  /** Could not be restored; gets no metadata, so that nothing takes it for complete. */
  failed: 5,
  /** Was made with all its bytes and its metadata. */
  finished: 6,
} as const;

/** They get something when their directory is finished. */
const unfinished: ReadonlySet<number> = new Set([
  fileAction.create,
  fileAction.update,
  fileAction.keep,
  fileAction.link,
]);

export type FileAction = (typeof fileAction)[keyof typeof fileAction];

export interface PlannedPart {
  readonly id: BlobId;
  readonly packId: PackId;
  readonly packOffset: number;
  readonly length: number;
  readonly uncompressedLength: number;
  readonly plaintextLength: number;
  readonly file: number;
  readonly fileOffset: number;
}

export interface PartLocation {
  readonly packId: PackId;
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
}

/** Rows of files. */
class FileTable {
  readonly names: NameColumn = new NameColumn();
  readonly directory: Uint32Column = u32();
  readonly sizeBytes: Float64Column = f64();
  readonly firstPart: Uint32Column = u32();
  /** Parts still to be written. */
  readonly pendingParts: Uint32Column = u32();
  readonly action: Uint8Column = u8();
  /** 1: made as one hole, into which only what is not zero is written. */
  readonly isSparse: Uint8Column = u8();
  /** Of files that a thread may finish while it has them open; others get theirs from the tree, last of all. */
  readonly metadata: PlainMetadataTable = new PlainMetadataTable();
  /** Rows of linked names: the row of the file that they are names of. */
  readonly linkTo: Map<number, number> = new Map();

  get count(): number {
    return this.names.length;
  }
}

/** Rows of parts: one for each blob of each file. */
class PartTable {
  readonly file: Uint32Column = u32();
  readonly pack: Uint32Column = u32();
  readonly packOffset: Uint32Column = u32();
  readonly length: Uint32Column = u32();
  readonly uncompressedLength: Uint32Column = u32();
  readonly fileOffset: Float64Column = f64();
  /** 1: the file has these bytes already. */
  readonly isPresent: Uint8Column = u8();
  readonly ids: Uint8Column = u8();
  count = 0;
}

const recentPaths = 256;

export class RestorePlan {
  readonly directories: DirectoryTable = new DirectoryTable();
  readonly files: FileTable = new FileTable();
  readonly parts: PartTable = new PartTable();
  /** In the order of first use. */
  readonly packIds: PackId[] = [];
  /** False when a name in the snapshot was refused: then nothing is removed that the snapshot seems not to have. */
  mayDelete = true;
  readonly #packNumbers = new Map<PackId, number>();
  /** Of directories. */
  readonly #recentPaths = new Map<number, string>();

  /** @returns the number of the new file; its parts are those added until the next file. */
  addFile(directory: number, name: string, sizeBytes: number, action: FileAction): number {
    const { files } = this;
    files.names.push(name);
    files.directory.push(directory);
    files.sizeBytes.push(sizeBytes);
    files.firstPart.push(this.parts.count);
    files.pendingParts.push(0);
    files.action.push(action);
    files.isSparse.push(0);
    files.metadata.push(undefined);
    return files.count - 1;
  }

  /** Adds a part to the file that was added last. @returns the number of the part. */
  addPart(id: BlobId, location: PartLocation, fileOffset: number): number {
    const { parts } = this;
    const file = this.files.count - 1;
    parts.file.push(file);
    parts.pack.push(this.#packNumber(location.packId));
    parts.packOffset.push(location.offset);
    parts.length.push(location.length);
    parts.uncompressedLength.push(location.uncompressedLength);
    parts.fileOffset.push(fileOffset);
    parts.isPresent.push(0);
    parts.ids.pushAll(new Uint8Array(idToBytes(id)));
    this.files.pendingParts.add(file, 1);
    return parts.count++;
  }

  /** Marks a part that needs no writing. */
  markPresent(part: number): void {
    if (this.parts.isPresent.get(part) === 1) return;
    this.parts.isPresent.set(part, 1);
    this.files.pendingParts.add(this.parts.file.get(part), -1);
  }

  partsOf(file: number): { readonly first: number; readonly end: number } {
    const isLast = file + 1 === this.files.count;
    return {
      first: this.files.firstPart.get(file),
      end: isLast ? this.parts.count : this.files.firstPart.get(file + 1),
    };
  }

  /** The ids of the file's parts, which are all of its content. */
  contentOf(file: number): BlobId[] {
    const { first, end } = this.partsOf(file);
    return Array.from({ length: end - first }, (_, part) =>
      idFromBytes<BlobId>(this.parts.ids.array, (first + part) * idBytes),
    );
  }

  /** A new file with at most one part: it is made, filled, given its metadata and closed in one go. */
  isMadeAtOnce(file: number): boolean {
    const { files } = this;
    if (files.action.get(file) !== fileAction.create || files.isSparse.get(file) === 1) return false;
    const { first, end } = this.partsOf(file);
    return end - first <= 1 && files.metadata.has(file);
  }

  /** Entries of the directory that have to be looked up in its tree when they are finished. */
  needsTree(directory: number): boolean {
    const { directories, files } = this;
    if (directories.is(directory, directoryMark.hasOthers)) return true;
    for (
      let file = directories.firstFile.get(directory);
      file < files.count && files.directory.get(file) === directory;
      file++
    ) {
      if (unfinished.has(files.action.get(file))) return true;
    }
    return false;
  }

  part(part: number): PlannedPart {
    const { parts } = this;
    return {
      id: idFromBytes<BlobId>(parts.ids.array, part * idBytes),
      packId: this.packIds[parts.pack.get(part)] as PackId,
      packOffset: parts.packOffset.get(part),
      length: parts.length.get(part),
      uncompressedLength: parts.uncompressedLength.get(part),
      plaintextLength: this.plaintextLength(part),
      file: parts.file.get(part),
      fileOffset: parts.fileOffset.get(part),
    };
  }

  plaintextLength(part: number): number {
    return plaintextLength({
      length: this.parts.length.get(part),
      uncompressedLength: this.parts.uncompressedLength.get(part),
    });
  }

  /** Path of a directory from the target, "" for the target itself, raw bytes as latin1. */
  directoryPath(directory: number): string {
    if (directory <= 0) return "";
    const known = this.#recentPaths.get(directory);
    if (known !== undefined) return known;
    // Who asks goes from directory to directory: nearly always into a child, or on to its next sibling.
    const parent = this.directories.parent(directory);
    const above = this.#recentPaths.get(parent) ?? this.#rememberPath(parent, this.#wholePath(parent));
    return this.#rememberPath(directory, `${above}/${this.directories.name(directory)}`);
  }

  /** Path of a file for people. */
  filePath(file: number): string {
    return shownPath(`${this.directoryPath(this.files.directory.get(file))}/${this.files.names.get(file)}`);
  }

  #wholePath(directory: number): string {
    const names: string[] = [];
    for (let row = directory; row > 0; row = this.directories.parent(row)) names.push(this.directories.name(row));
    return names
      .reverse()
      .map((name) => `/${name}`)
      .join("");
  }

  #rememberPath(directory: number, path: string): string {
    if (this.#recentPaths.size >= recentPaths) this.#recentPaths.clear();
    this.#recentPaths.set(directory, path);
    return path;
  }

  #packNumber(packId: PackId): number {
    let number = this.#packNumbers.get(packId);
    if (number === undefined) {
      number = this.packIds.push(packId) - 1;
      this.#packNumbers.set(packId, number);
    }
    return number;
  }
}

/** A latin1 path as text for people: UTF-8, with U+FFFD for what is none. */
export function shownPath(latin1: string): string {
  return latin1 === "" ? "/" : Buffer.from(latin1, "latin1").toString();
}
