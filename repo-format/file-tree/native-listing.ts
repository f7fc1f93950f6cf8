// Lists and stats relative to an open directory, through libc. Node has neither call: by paths like /proc/self/fd/<n>/<name>
// and with objects of its own, a stat costs 2.0 µs instead of 0.6, a directory of three entries (opened, looked at, listed,
// closed) 9.0 instead of 4.2, and a thread that lists a wide tree spends most of its time there.
import type { Libc, NativeFunction } from "../native/libc.ts";
import type { FileStat } from "./file-stat.ts";
import { StatxRows, statxBytes } from "./statx-rows.ts";
import { systemCallError } from "./system-call-errors.ts";

const prototypes = {
  statx: "int statx(int dirfd, uintptr_t path, int flags, uint32_t mask, uintptr_t stat)",
  getdents64: "int64_t getdents64(int fd, uintptr_t entries, size_t size)",
  lseek: "int64_t lseek(int fd, int64_t offset, int whence)",
  // Its arguments are those of listxattrat; libc's own declaration leaves them open.
  syscall: "int64_t syscall(int64_t number, int dirfd, uintptr_t path, int flags, void *list, size_t size)",
} as const;

/** Linux 6.13; the same on every platform that libc.ts knows. */
const listxattratNumber = 465;
const atNoFollow = 0x100;
const atEmptyPath = 0x1000;
const basicStats = 0x7ff;
const seekSet = 0;
const maxNameBytes = 255;
/** The name lies before the answer in the same memory. */
const nameRoom = 256;
/** A directory of a thousand names in one call; more take more calls. */
const entriesBytes: number = 32 * 1024;

const [badArgument, nameTooLong] = [22, 36];
const slash = 0x2f;
const dot = 0x2e;

/** struct linux_dirent64: inode (8 bytes), offset (8), length of the record (2), type (1), name, NUL. */
const recordLengthAt = 16;
const nameAt = 19;

/** One object per thread, with its own memory for the kernel to write to: the calls are synchronous. */
export class NativeListing {
  readonly #libc: Libc;
  readonly #statx: NativeFunction | undefined;
  readonly #getdents64: NativeFunction | undefined;
  readonly #lseek: NativeFunction | undefined;
  #listxattrat: NativeFunction | undefined;
  readonly #name: Buffer;
  readonly #nameAddress: number;
  readonly #statAddress: number;
  readonly #stat: StatxRows;
  readonly #entries: Buffer;
  readonly #entriesAddress: number;
  readonly #recordLengths: DataView;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#statx = libc.find(prototypes.statx);
    this.#getdents64 = libc.find(prototypes.getdents64);
    this.#lseek = libc.find(prototypes.lseek);
    this.#listxattrat = libc.find(prototypes.syscall);
    const room = new ArrayBuffer(nameRoom + statxBytes);
    this.#name = Buffer.from(room, 0, nameRoom);
    this.#stat = new StatxRows(room, nameRoom);
    this.#nameAddress = Number(libc.addressOf(this.#name));
    this.#statAddress = this.#nameAddress + nameRoom;
    this.#entries = Buffer.from(new ArrayBuffer(entriesBytes));
    this.#entriesAddress = Number(libc.addressOf(this.#entries));
    this.#recordLengths = new DataView(this.#entries.buffer);
    if (!this.#knowsListxattrat()) this.#listxattrat = undefined;
  }

  statAt(directory: number, name: Uint8Array): FileStat {
    if (this.#statx === undefined) throw new Error("bug: statx was not loaded");
    this.#setName(name);
    const flags = name.length === 0 ? atEmptyPath | atNoFollow : atNoFollow;
    if (this.#statx(directory, this.#nameAddress, flags, basicStats, this.#statAddress) < 0)
      throw this.#error(name.length === 0 ? "fstat" : "lstat");
    return this.#stat.stat(0);
  }

  readDirectory(fd: number): string[] {
    if (this.#lseek === undefined) throw new Error("bug: lseek was not loaded");
    // The kernel keeps the place in the descriptor: one that was listed before would have nothing left to say.
    if (this.#lseek(fd, 0, seekSet) < 0) throw this.#error("scandir");
    const names: string[] = [];
    for (let bytes = this.#readEntries(fd); bytes > 0; bytes = this.#readEntries(fd)) this.#takeNames(bytes, names);
    return names;
  }

  /**
   * The names of a child's extended attributes, each with a NUL behind it: 0.7 µs, by a path 1.6.
   * @returns bytes in `list`, or a negative number; undefined where the kernel does not have the call.
   */
  listxattrAt(directory: number, name: Uint8Array, list: Buffer): number | undefined {
    if (this.#listxattrat === undefined) return undefined;
    this.#setName(name);
    return this.#listxattrat(listxattratNumber, directory, this.#nameAddress, atNoFollow, list, list.length);
  }

  /** An old kernel does not know the number, and a container may be forbidden to try it. */
  #knowsListxattrat(): boolean {
    const length = this.listxattrAt(-1, Buffer.from("no-such-file"), Buffer.alloc(1));
    return length !== undefined && length < 0 && this.#error("listxattrat").code === "EBADF";
  }

  #readEntries(fd: number): number {
    if (this.#getdents64 === undefined) throw new Error("bug: getdents64 was not loaded");
    const bytes = this.#getdents64(fd, this.#entriesAddress, entriesBytes);
    if (bytes < 0) throw this.#error("scandir");
    return bytes;
  }

  #takeNames(bytes: number, names: string[]): void {
    const entries = this.#entries;
    for (let at = 0; at < bytes; ) {
      const start = at + nameAt;
      let end = start;
      while (entries[end] !== 0) end++;
      const isSelfOrAbove =
        entries[start] === dot && (end - start === 1 || (end - start === 2 && entries[start + 1] === dot));
      if (!isSelfOrAbove) names.push(entries.toString("latin1", start, end));
      at += this.#recordLengths.getUint16(at + recordLengthAt, isLittleEndian);
    }
  }

  #setName(name: Uint8Array): void {
    const { length } = name;
    if (length > maxNameBytes) throw systemCallError("lstat", nameTooLong);
    const target = this.#name;
    for (let at = 0; at < length; at++) {
      const byte = name[at] as number;
      if (byte === 0 || byte === slash) throw systemCallError("lstat", badArgument);
      target[at] = byte;
    }
    target[length] = 0;
  }

  #error(syscall: string): NodeJS.ErrnoException {
    return systemCallError(syscall, this.#libc.errno());
  }
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
