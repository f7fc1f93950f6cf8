// Lists directories with all that lies below them, as far as there is room, into columns that can be sent to another thread.
// Each directory is opened in the one above it by its name, no link is followed, no other file system is entered, and
// whatever goes wrong is left to the reader of the columns, who tries again by itself and hears of it then.
import { constants } from "node:fs";
import { type Libc, libc, type NativeFunction } from "../native/libc.ts";
import { StatxRows, statxBytes, statxRowBytes } from "./statx-rows.ts";
import { systemCalls } from "./system-calls.ts";

/** A directory of more entries is not listed: its names would take too much memory beside those of all others. */
export const mostEntries = 16_384;
/** Levels that one call goes down: each takes a descriptor of the thread. */
const deepest = 64;

const prototypes = {
  openat: "int openat(int dirfd, uintptr_t path, int flags, ...)",
  statx: "int statx(int dirfd, uintptr_t path, int flags, uint32_t mask, uintptr_t stat)",
  syscall: "int64_t syscall(int64_t number, int dirfd, uintptr_t path, int flags, void *list, size_t size)",
} as const;

const listxattratNumber = 465;
const atNoFollow = 0x100;
const atEmptyPath = 0x1000;
const basicStats = 0x7ff;
const notSupported = 95;
/** O_CLOEXEC, which Node adds by itself and libc does not. */
const closeOnExec = 0o2000000;
const openFlags: number =
  constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK | closeOnExec;
/** Rows behind those of the entries, apart from each other because the kernel writes more than a row. */
const [rootRow, openedRow, allRows] = [mostEntries + 1, mostEntries + 3, mostEntries + 4];
/** Average room for a name. */
const nameRoom = 32;

/** In `children`: below a directory that is not listed, because there was no room or because something went wrong. */
export const notListed: number = -1;
/** In `children`: what is not to be listed: no directory, one of another file system, or one that is left out. */
export const notToList: number = -2;

/** A directory to begin with. */
export interface ListedRoot {
  readonly fd: number;
  /** One character per byte, "" for the root of all; what the excludes are compared with. */
  readonly path: string;
  /** Only names behind this one are listed. */
  readonly after: string;
}

export interface ListerOptions {
  /** Entries that are enough; the directory in which they are reached is listed to its end. */
  readonly entries: number;
  /** Entries whose ctime is before it are not asked for attributes: the reader knows them, or asks. Nanoseconds since 1970. */
  readonly attributesFromNs: bigint;
  readonly isExcluded: (path: string) => boolean;
  readonly isCancelled: () => boolean;
}

/** All directories' entries, those of one directory together and in ascending order of their names. */
export interface ListingColumns {
  /** Raw names, a NUL behind each. */
  readonly names: Uint8Array;
  readonly nameEnds: Uint32Array;
  /** Rows of statx-rows.ts; mode 0 where the kernel refused. */
  readonly stats: Uint8Array;
  /** 1 where the entry is known to have no extended attributes. */
  readonly withoutAttributes: Uint8Array;
  /** For each entry the number of its directory, or one of those above. */
  readonly children: Int32Array;
  /** First entry of each directory; the one more at the end is the number of entries. */
  readonly starts: Uint32Array;
  /** For each root the number of its directory, or `notListed`. */
  readonly roots: Int32Array;
}

/** False where libc cannot be called. */
export const canListAhead: boolean = libc?.find(prototypes.statx) !== undefined;

interface Functions {
  readonly openat: NativeFunction;
  readonly statx: NativeFunction;
  readonly listxattrat: NativeFunction;
}

/** Uses its memory again for each call; one for each thread. */
export class DirectoryLister {
  readonly #libc: Libc;
  readonly #functions: Functions;
  readonly #names: Buffer = Buffer.from(new ArrayBuffer(mostEntries * nameRoom));
  readonly #namesAddress: number;
  readonly #stats: Uint8Array = new Uint8Array(allRows * statxRowBytes + statxBytes);
  readonly #statsAddress: number;
  readonly #rows: StatxRows;
  readonly #nameEnds = new Uint32Array(mostEntries);
  readonly #withoutAttributes = new Uint8Array(mostEntries);
  readonly #children = new Int32Array(mostEntries);
  /** An empty name, and a list without room. */
  readonly #empty: Buffer = Buffer.from(new ArrayBuffer(1));
  readonly #emptyAddress: number;
  #starts: number[] = [];
  #count = 0;
  /** Where the entries of the root at hand are enough. */
  #enough = 0;
  #options: ListerOptions | undefined;

  private constructor(nativeLibc: Libc, functions: Functions) {
    this.#libc = nativeLibc;
    this.#functions = functions;
    this.#namesAddress = Number(nativeLibc.addressOf(this.#names));
    this.#statsAddress = Number(nativeLibc.addressOf(this.#stats));
    this.#emptyAddress = Number(nativeLibc.addressOf(this.#empty));
    this.#rows = new StatxRows(this.#stats.buffer);
  }

  /** @returns undefined where libc cannot be called. */
  static create(): DirectoryLister | undefined {
    if (libc === undefined) return undefined;
    const [openat, statx] = [libc.find(prototypes.openat), libc.find(prototypes.statx)];
    const listxattrat = libc.find(prototypes.syscall);
    if (openat === undefined || statx === undefined || listxattrat === undefined) return undefined;
    return new DirectoryLister(libc, { openat, statx, listxattrat });
  }

  /** The columns are copies. */
  list(roots: readonly ListedRoot[], options: ListerOptions): ListingColumns {
    this.#options = options;
    this.#count = 0;
    this.#starts = [];
    const numbers = new Int32Array(roots.length).fill(notListed);
    for (const [index, root] of roots.entries()) {
      // What a root leaves over is for those behind it.
      const left = Math.max(0, options.entries - this.#count);
      this.#enough = this.#count + Math.ceil(left / (roots.length - index));
      if ((left > 0 || index === 0) && this.#ask(root.fd, rootRow)) numbers[index] = this.#list(root, 0);
    }
    return this.#columns(numbers);
  }

  #columns(roots: Int32Array): ListingColumns {
    const count = this.#count;
    return {
      names: Uint8Array.from(this.#names.subarray(0, count === 0 ? 0 : this.#nameEnds[count - 1])),
      nameEnds: this.#nameEnds.slice(0, count),
      stats: this.#stats.slice(0, count * statxRowBytes),
      withoutAttributes: this.#withoutAttributes.slice(0, count),
      children: this.#children.slice(0, count),
      starts: Uint32Array.from([...this.#starts, count]),
      roots,
    };
  }

  /** @returns the directory's number. */
  #list({ fd, path, after }: ListedRoot, depth: number): number {
    if (this.#options?.isCancelled() !== false) return notListed;
    const names = namesAfter(fd, after);
    const first = this.#count;
    if (names === undefined || !this.#hasRoomFor(names)) return notListed;
    const number = this.#starts.push(first) - 1;
    for (const name of names) this.#add(fd, name);
    for (let row = first; row < first + names.length; row++) {
      this.#children[row] = this.#child({ fd, path, after: "" }, row, names[row - first] as string, depth);
    }
    return number;
  }

  #add(fd: number, name: string): void {
    const row = this.#count++;
    const start = row === 0 ? 0 : (this.#nameEnds[row - 1] as number);
    const end = start + this.#names.write(name, start, "latin1");
    this.#names[end] = 0;
    this.#nameEnds[row] = end + 1;
    this.#children[row] = notToList;
    this.#withoutAttributes[row] = 0;
    const nameAddress = this.#namesAddress + start;
    const { statx } = this.#functions;
    const answer = this.#statsAddress + row * statxRowBytes;
    // A name with a slash would be a path: only a broken file system has one.
    if (name.includes("/") || statx(fd, nameAddress, atNoFollow, basicStats, answer) < 0) this.#rows.clear(row);
    else if (this.#rows.ctimeNs(row) >= (this.#options?.attributesFromNs ?? 0n))
      this.#withoutAttributes[row] = this.#hasNoAttributes(fd, nameAddress) ? 1 : 0;
  }

  /** False also where nothing can be said. */
  #hasNoAttributes(fd: number, nameAddress: number): boolean {
    const length = this.#functions.listxattrat(listxattratNumber, fd, nameAddress, atNoFollow, this.#empty, 0);
    return length === 0 || (length < 0 && this.#libc.errno() === notSupported);
  }

  /** Lists a directory below, when it is one and there is room. */
  #child({ fd, path }: ListedRoot, row: number, name: string, depth: number): number {
    const rows = this.#rows;
    if (!rows.isDirectory(row)) return notToList;
    if (!rows.isSameDevice(row, rootRow)) return notToList;
    if (this.#count >= this.#enough || depth >= deepest) return notListed;
    const childPath = `${path}/${name}`;
    if (this.#options?.isExcluded(childPath) !== false) return notToList;
    const start = row === 0 ? 0 : (this.#nameEnds[row - 1] as number);
    const child = this.#functions.openat(fd, this.#namesAddress + start, openFlags);
    if (child < 0) return notListed;
    try {
      // Another directory may have taken its place, or something may have been mounted there.
      if (!this.#ask(child, openedRow) || !rows.isSameFile(row, openedRow)) return notListed;
      return this.#list({ fd: child, path: childPath, after: "" }, depth + 1);
    } finally {
      systemCalls.close(child);
    }
  }

  /** Fills a row with what an open directory is. */
  #ask(fd: number, row: number): boolean {
    const answer = this.#statsAddress + row * statxRowBytes;
    return this.#functions.statx(fd, this.#emptyAddress, atEmptyPath | atNoFollow, basicStats, answer) === 0;
  }

  #hasRoomFor(names: readonly string[]): boolean {
    if (this.#count + names.length > mostEntries) return false;
    const used = this.#count === 0 ? 0 : (this.#nameEnds[this.#count - 1] as number);
    return used + names.reduce((sum, name) => sum + name.length + 1, 0) <= this.#names.length;
  }
}

/** Ascending, each once; undefined when the directory cannot be read. */
function namesAfter(fd: number, after: string): string[] | undefined {
  try {
    const names = systemCalls.readDirectory(fd).sort();
    // A directory that changes while it is listed may show a name twice.
    return names.filter((name, index) => name > after && name !== names[index - 1]);
  } catch {
    return undefined;
  }
}
