// Answers of statx(2), one behind the other in memory, as the kernel has written them: they travel between threads as they
// are, and only what somebody wants to know becomes numbers.
import { type FileStat, modeTypes } from "./file-stat.ts";

/** What the kernel writes, sizeof(struct statx); so much must be free behind the beginning of the last row. */
export const statxBytes = 256;
/** From one row to the next: all that is used of it. What the kernel writes beyond is overwritten by the next row. */
export const statxRowBytes = 144;

/** Where struct statx (statx(2)) has its numbers, and the length of a row: in units of their size. */
const [mode16, row16] = [14, statxRowBytes / 2];
const [nlink32, uid32, gid32, row32] = [4, 5, 6, statxRowBytes / 4];
const [ino64, size64, blocks64, row64] = [4, 5, 6, statxRowBytes / 8];
const [atime64, ctime64, mtime64] = [8, 12, 14];
const [rdevMajor32, devMajor32] = [32, 34];

export class StatxRows {
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  readonly #unsigned: BigUint64Array;
  readonly #signed: BigInt64Array;

  /** @param start a multiple of 8 */
  constructor(memory: ArrayBufferLike, start: number = 0) {
    this.#halves = new Uint16Array(memory, start);
    this.#words = new Uint32Array(memory, start);
    const wide = Math.floor((memory.byteLength - start) / 8);
    this.#unsigned = new BigUint64Array(memory, start, wide);
    this.#signed = new BigInt64Array(memory, start, wide);
  }

  stat(row: number): FileStat {
    return new StatxResult(this, row);
  }

  /** st_mode; 0 where nothing was written. */
  mode(row: number): number {
    return this.#halves[row * row16 + mode16] as number;
  }

  /** Marks a row as one that the kernel did not answer for. */
  clear(row: number): void {
    this.#halves[row * row16 + mode16] = 0;
  }

  isDirectory(row: number): boolean {
    return (this.mode(row) & modeTypes.mask) === modeTypes.directory;
  }

  isSameFile(a: number, b: number): boolean {
    return this.isSameDevice(a, b) && this.inode(a) === this.inode(b);
  }

  /** True when both lie on the same file system. */
  isSameDevice(a: number, b: number): boolean {
    const [atA, atB] = [a * row32 + devMajor32, b * row32 + devMajor32];
    return this.#words[atA] === this.#words[atB] && this.#words[atA + 1] === this.#words[atB + 1];
  }

  links(row: number): bigint {
    return this.#number(row * row32 + nlink32);
  }

  owner(row: number): bigint {
    return this.#number(row * row32 + uid32);
  }

  group(row: number): bigint {
    return this.#number(row * row32 + gid32);
  }

  inode(row: number): bigint {
    return this.#unsigned[row * row64 + ino64] as bigint;
  }

  size(row: number): bigint {
    return this.#unsigned[row * row64 + size64] as bigint;
  }

  blocks(row: number): bigint {
    return this.#unsigned[row * row64 + blocks64] as bigint;
  }

  atimeNs(row: number): bigint {
    return this.#time(row * row64 + atime64);
  }

  ctimeNs(row: number): bigint {
    return this.#time(row * row64 + ctime64);
  }

  mtimeNs(row: number): bigint {
    return this.#time(row * row64 + mtime64);
  }

  device(row: number): bigint {
    return this.#device(row * row32 + devMajor32);
  }

  /** Of a device node. */
  deviceNumber(row: number): bigint {
    return this.#device(row * row32 + rdevMajor32);
  }

  #number(at: number): bigint {
    return BigInt(this.#words[at] as number);
  }

  /** Seconds (8 bytes), nanoseconds (4). */
  #time(at: number): bigint {
    return (this.#signed[at] as bigint) * 1_000_000_000n + this.#number(2 * at + 2);
  }

  /** Major and minor number as dev_t has them together. */
  #device(at: number): bigint {
    const major = this.#number(at);
    const minor = this.#number(at + 1);
    return (
      ((major & 0xffff_f000n) << 32n) | ((major & 0xfffn) << 8n) | ((minor & 0xffff_ff00n) << 12n) | (minor & 0xffn)
    );
  }
}

/** A copy, which outlives the rows. */
class StatxResult implements FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly #type: number;

  constructor(rows: StatxRows, row: number) {
    const mode = rows.mode(row);
    this.#type = mode & modeTypes.mask;
    this.dev = rows.device(row);
    this.ino = rows.inode(row);
    this.mode = BigInt(mode);
    this.nlink = rows.links(row);
    this.uid = rows.owner(row);
    this.gid = rows.group(row);
    this.rdev = rows.deviceNumber(row);
    this.size = rows.size(row);
    this.blocks = rows.blocks(row);
    this.atimeNs = rows.atimeNs(row);
    this.mtimeNs = rows.mtimeNs(row);
    this.ctimeNs = rows.ctimeNs(row);
  }

  isFile(): boolean {
    return this.#type === modeTypes.file;
  }

  isDirectory(): boolean {
    return this.#type === modeTypes.directory;
  }
}
