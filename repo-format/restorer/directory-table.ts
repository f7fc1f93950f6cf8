// The directories of a restore, in columns: 75 bytes each and its name, where an object with its strings took 400.
import { type BlobId, idBytes, idFromBytes, idToBytes } from "../format/id.ts";
import { type Uint8Column, type Uint32Column, u8, u32 } from "./column.ts";
import { NameColumn } from "./name-column.ts";
import { PlainMetadataTable } from "./plain-metadata-table.ts";

/** What stands in a directory's place before the restore. */
export type Standing = "absent" | "directory" | "other";

const standings: readonly Standing[] = ["absent", "directory", "other"];
const standingMask = 3;

/** What is true of a directory: bits above those that say what stands in its place. */
export const directoryMark = {
  selected: 4,
  childMayBeSelected: 8,
  /** It, or something below it, is restored: it must exist and gets its metadata. */
  needed: 16,
  /** Its tree was read to the end: only then is it known what does not belong there. */
  complete: 32,
  /** It could not be made; nothing below it is touched. */
  blocked: 64,
  /** It has links, special files or subdirectories that nothing but its tree knows enough of. */
  hasOthers: 128,
} as const;

export type DirectoryMark = (typeof directoryMark)[keyof typeof directoryMark];

export interface NewDirectory {
  /** -1 for the target itself. */
  readonly parent: number;
  /** Raw bytes as latin1; "" for the target itself. */
  readonly name: string;
  readonly tree: BlobId;
  readonly standing: Standing;
  readonly isSelected: boolean;
  readonly childMayBeSelected: boolean;
}

export class DirectoryTable {
  /** Plus one. */
  readonly #parents: Uint32Column = u32();
  readonly #names = new NameColumn();
  readonly #trees: Uint8Column = u8();
  readonly #marks: Uint8Column = u8();
  /** The rows of what it holds begin here: directories and files, in the order of the tree. */
  readonly firstDirectory: Uint32Column = u32();
  readonly firstFile: Uint32Column = u32();
  /** Of directories that the restore makes. */
  readonly metadata: PlainMetadataTable = new PlainMetadataTable();

  get count(): number {
    return this.#parents.length;
  }

  /** @returns the new row. */
  add({ parent, name, tree, standing, isSelected, childMayBeSelected }: NewDirectory): number {
    this.#parents.push(parent + 1);
    this.#names.push(name);
    this.#trees.pushAll(new Uint8Array(idToBytes(tree)));
    const selected = isSelected ? directoryMark.selected | directoryMark.needed : 0;
    const child = childMayBeSelected ? directoryMark.childMayBeSelected : 0;
    this.#marks.push(standings.indexOf(standing) | selected | child);
    this.firstDirectory.push(0);
    this.firstFile.push(0);
    this.metadata.push(undefined);
    return this.count - 1;
  }

  parent(row: number): number {
    return this.#parents.get(row) - 1;
  }

  name(row: number): string {
    return this.#names.get(row);
  }

  nameBytes(row: number): Buffer {
    return this.#names.bytes(row);
  }

  tree(row: number): BlobId {
    return idFromBytes<BlobId>(this.#trees.array, row * idBytes);
  }

  standing(row: number): Standing {
    return standings[this.#marks.get(row) & standingMask] as Standing;
  }

  is(row: number, mark: DirectoryMark): boolean {
    return (this.#marks.get(row) & mark) !== 0;
  }

  mark(row: number, mark: DirectoryMark): void {
    this.#marks.set(row, this.#marks.get(row) | mark);
  }
}
