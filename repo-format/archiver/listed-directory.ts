// Directories that a thread has listed ahead of the walk: views of the columns in which the answers have come, and the
// directories from which answers begin, each of which stays open until the walk has left it.
import { type ListingColumns, notListed } from "../file-tree/directory-lister.ts";
import type { FileStat } from "../file-tree/file-stat.ts";
import { StatxRows } from "../file-tree/statx-rows.ts";
import { type Identity, SourceDirectory } from "./source-directory.ts";

/** What came in one answer; rows are entries. */
export class Listing {
  readonly columns: ListingColumns;
  readonly stats: StatxRows;
  readonly #names: Buffer;

  constructor(columns: ListingColumns) {
    const { names, stats } = columns;
    this.columns = columns;
    this.stats = new StatxRows(stats.buffer, stats.byteOffset);
    this.#names = Buffer.from(names.buffer, names.byteOffset, names.length);
  }

  /** One character per byte. */
  name(row: number): string {
    const { nameEnds } = this.columns;
    return this.#names.toString("latin1", row === 0 ? 0 : nameEnds[row - 1], (nameEnds[row] as number) - 1);
  }

  identity(row: number): Identity {
    return { deviceId: this.stats.device(row), inode: this.stats.inode(row) };
  }
}

/** One directory of an answer. */
export class ListedDirectory {
  readonly root: ListingRoot;
  readonly listing: Listing;
  readonly firstRow: number;
  readonly count: number;

  constructor(root: ListingRoot, listing: Listing, number: number) {
    const { starts } = listing.columns;
    this.root = root;
    this.listing = listing;
    this.firstRow = starts[number] as number;
    this.count = (starts[number + 1] as number) - this.firstRow;
  }

  /** In ascending order, each once; one character per byte. */
  names(): string[] {
    const names: string[] = [];
    for (let entry = 0; entry < this.count; entry++) names.push(this.listing.name(this.firstRow + entry));
    return names;
  }

  /** A copy, which may be kept; undefined when lstat has failed. */
  stat(entry: number): FileStat | undefined {
    const { stats } = this.listing;
    const row = this.firstRow + entry;
    return stats.mode(row) === 0 ? undefined : stats.stat(row);
  }

  isWithoutAttributes(entry: number): boolean {
    return this.listing.columns.withoutAttributes[this.firstRow + entry] === 1;
  }

  /** What is in a directory, if that is known. */
  child(entry: number): ListedDirectory | undefined {
    const number = this.listing.columns.children[this.firstRow + entry] as number;
    return number < 0 ? this.left(entry)?.listed : new ListedDirectory(this.root, this.listing, number);
  }

  /** A directory for which the answer had no room. */
  left(entry: number): ListingRoot | undefined {
    const row = this.firstRow + entry;
    return this.listing.columns.children[row] === notListed ? this.root.below(row) : undefined;
  }
}

/** The way down from where an answer begins, the last step first. */
interface Step {
  readonly listing: Listing;
  readonly row: number;
  readonly above: Step | undefined;
}

/** Where a directory is found that is not open yet. */
interface Place {
  readonly root: ListingRoot;
  readonly last: Step;
}

/**
 * A directory from which an answer begins: one that the walk was in, or one for which an earlier answer had no room.
 * "over": the walk has left it, or will not come to it.
 */
export class ListingRoot {
  state: "waiting" | "running" | "listed" | "failed" | "over" = "waiting";
  listed: ListedDirectory | undefined;
  /** Entries of the answer that the walk has not entered the directory of. */
  entriesLeft = 0;
  /** One character per byte. */
  readonly path: string;
  /** Names up to it are not wanted. */
  readonly after: string;
  readonly #place: Place | undefined;
  /** Directories for which the answer had no room, by row; in the order of the walk. */
  #below = new Map<number, ListingRoot>();
  /** Resolves when the thread that lists it has answered. */
  work: Promise<void> | undefined;
  #source: SourceDirectory | undefined;

  constructor(from: SourceDirectory | Place, path: string, after: string) {
    this.path = path;
    this.after = after;
    if (from instanceof SourceDirectory) this.#source = from.hold();
    else this.#place = from;
  }

  /** The directory, held by this. @throws what `SourceDirectory.enter` throws. */
  open(): SourceDirectory {
    if (this.#source === undefined) {
      if (this.#place === undefined) throw new Error("bug: a directory to list is nowhere");
      this.#source = openAt(this.#place);
    }
    return this.#source;
  }

  /** Takes the answer. @returns the directories for which it had no room, in the order of the walk. */
  take(listed: ListedDirectory): readonly ListingRoot[] {
    this.listed = listed;
    this.#collect(listed, this.path, undefined);
    this.state = "listed";
    return [...this.#below.values()];
  }

  fail(): void {
    if (this.state !== "over") this.state = "failed";
  }

  below(row: number): ListingRoot | undefined {
    return this.#below.get(row);
  }

  /** @returns entries that the walk has not come to. */
  end(): number {
    if (this.state === "over") return 0;
    this.state = "over";
    let entries = this.entriesLeft;
    this.entriesLeft = 0;
    for (const root of this.#below.values()) entries += root.end();
    this.#below = new Map();
    this.listed = undefined;
    this.#source?.letGo();
    this.#source = undefined;
    return entries;
  }

  #collect({ listing, firstRow, count }: ListedDirectory, path: string, above: Step | undefined): void {
    this.entriesLeft += count;
    const { children } = listing.columns;
    for (let row = firstRow; row < firstRow + count; row++) {
      const child = children[row] as number;
      if (child < notListed) continue;
      const childPath = `${path}/${listing.name(row)}`;
      const last: Step = { listing, row, above };
      if (child >= 0) this.#collect(new ListedDirectory(this, listing, child), childPath, last);
      else this.#below.set(row, new ListingRoot({ root: this, last }, childPath, ""));
    }
  }
}

/** Step by step, each directory in the one above, so that no link is followed. */
function openAt({ root, last }: Place): SourceDirectory {
  const steps: Step[] = [];
  for (let step: Step | undefined = last; step !== undefined; step = step.above) steps.push(step);
  let directory = root.open().hold();
  for (const { listing, row } of steps.reverse()) {
    const above = directory;
    try {
      directory = above.enter(Buffer.from(listing.name(row), "latin1"), listing.identity(row));
    } finally {
      above.letGo();
    }
  }
  return directory;
}
