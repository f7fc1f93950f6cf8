// The system calls that Node lacks, through libc: listing by descriptor, extended attributes, exact times, device nodes,
// holes, preallocation and page cache advice. Each is tried once when a thread loads this file; whatever is not there is done by its fallback.
import { type Libc, libc, type NativeFunction } from "../native/libc.ts";
import type { FileStat } from "./file-stat.ts";
import { NativeListing } from "./native-listing.ts";
import type { SplitTime, SystemCallName, SystemCalls } from "./system-call-contract.ts";
import { systemCallError, terminated } from "./system-call-errors.ts";
import { childPath, fallbackCalls } from "./system-call-fallbacks.ts";

const atCurrentDirectory = -100;
const atNoFollow = 0x100;
const seekDataWhence = 3;
const seekHoleWhence = 4;
const adviceDontNeed = 4;
/** O_CLOEXEC, which Node adds by itself and libc does not. */
const closeOnExec = 0o2000000;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux. */
const xattrMaxBytes = 65_536;
const pathMaxBytes = 4096;

const prototypes = {
  llistxattr: "int64_t llistxattr(const void *path, void *list, size_t size)",
  lgetxattr: "int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)",
  lsetxattr: "int lsetxattr(const void *path, const void *name, const void *value, size_t size, int flags)",
  lremovexattr: "int lremovexattr(const void *path, const void *name)",
  utimensat: "int utimensat(int dirfd, const void *path, const void *times, int flags)",
  openat: "int openat(int dirfd, const void *path, int flags, ...)",
  mkdirat: "int mkdirat(int dirfd, const void *path, uint32_t mode)",
  close: "int close(int fd)",
  futimens: "int futimens(int fd, const void *times)",
  flistxattr: "int64_t flistxattr(int fd, void *list, size_t size)",
  mknod: "int mknod(const void *path, uint32_t mode, uint64_t device)",
  lseek: "int64_t lseek(int fd, int64_t offset, int whence)",
  fallocate: "int fallocate(int fd, int mode, int64_t offset, int64_t size)",
  posix_fadvise: "int posix_fadvise(int fd, int64_t offset, int64_t size, int advice)",
} as const;

interface Library {
  readonly libc: Libc;
  readonly functions: Readonly<Record<keyof typeof prototypes, NativeFunction | undefined>>;
}

/** One object per thread, with its own scratch buffers: the calls are synchronous, so they are never used twice at once. */
class NativeCalls {
  readonly #library: Library;
  readonly #path = Buffer.alloc(pathMaxBytes);
  readonly #name = Buffer.alloc(256);
  readonly #value = Buffer.alloc(xattrMaxBytes);
  readonly #times = new BigInt64Array(4);
  readonly #listing: NativeListing;

  constructor(library: Library) {
    this.#library = library;
    this.#listing = new NativeListing(library.libc);
  }

  statAt(directory: number, name: Uint8Array): FileStat {
    return this.#listing.statAt(directory, name);
  }

  readDirectory(fd: number): string[] {
    return this.#listing.readDirectory(fd);
  }

  llistxattr(path: Uint8Array): Buffer[] {
    return this.#listed("llistxattr", this.#function("llistxattr")(this.#pathOf(path), this.#value, xattrMaxBytes));
  }

  listxattrAt(directory: number, name: Uint8Array): Buffer[] {
    const length = this.#listing.listxattrAt(directory, name, this.#value);
    return length === undefined ? this.llistxattr(childPath(directory, name)) : this.#listed("llistxattr", length);
  }

  flistxattr(fd: number): Buffer[] {
    return this.#listed("flistxattr", this.#function("flistxattr")(fd, this.#value, xattrMaxBytes));
  }

  #listed(syscall: string, length: number): Buffer[] {
    if (length < 0) {
      const error = this.#error(syscall);
      if (error.code === "ENOTSUP") return [];
      throw error;
    }
    const names: Buffer[] = [];
    for (let start = 0; start < length; ) {
      const end = this.#value.indexOf(0, start);
      names.push(Buffer.from(this.#value.subarray(start, end)));
      start = end + 1;
    }
    return names;
  }

  lgetxattr(path: Uint8Array, name: Uint8Array | string): Buffer {
    const call = this.#function("lgetxattr");
    const length = call(this.#pathOf(path), this.#nameOf(name), this.#value, xattrMaxBytes);
    if (length < 0) throw this.#error("lgetxattr");
    return Buffer.from(this.#value.subarray(0, length));
  }

  lsetxattr(path: Uint8Array, name: Uint8Array | string, value: Uint8Array): void {
    const call = this.#function("lsetxattr");
    if (call(this.#pathOf(path), this.#nameOf(name), value, value.length, 0) < 0) throw this.#error("lsetxattr");
  }

  lremovexattr(path: Uint8Array, name: Uint8Array | string): void {
    const call = this.#function("lremovexattr");
    if (call(this.#pathOf(path), this.#nameOf(name)) < 0) throw this.#error("lremovexattr");
  }

  utimensat(path: Uint8Array, atimeNs: bigint, mtimeNs: bigint): boolean {
    this.#setTime(0, atimeNs);
    this.#setTime(2, mtimeNs);
    const call = this.#function("utimensat");
    if (call(atCurrentDirectory, this.#pathOf(path), this.#times, atNoFollow) < 0) throw this.#error("utimensat");
    return true;
  }

  /** In a directory's descriptor: 2.1 µs for a new file, 3.8 through the path /proc/self/fd/<n>/<name>. */
  openAt(directory: number, name: Uint8Array, flags: number, mode: number): number {
    const call = this.#function("openat");
    const terminatedName = this.#pathOf(name);
    for (;;) {
      const fd = call(directory, terminatedName, flags | closeOnExec, "uint32_t", mode);
      if (fd >= 0) return fd;
      const error = this.#error("openat");
      if (error.code !== "EINTR") throw error;
    }
  }

  makeDirectoryAt(directory: number, name: Uint8Array, mode: number): void {
    if (this.#function("mkdirat")(directory, this.#pathOf(name), mode) < 0) throw this.#error("mkdirat");
  }

  close(fd: number): void {
    if (this.#function("close")(fd) === 0) return;
    const error = this.#error("close");
    // Interrupted or not, Linux has closed it.
    if (error.code !== "EINTR") throw error;
  }

  futimens(fd: number, { seconds, nanoseconds }: SplitTime): boolean {
    this.#times[0] = this.#times[2] = BigInt(seconds);
    this.#times[1] = this.#times[3] = BigInt(nanoseconds);
    if (this.#function("futimens")(fd, this.#times) < 0) throw this.#error("futimens");
    return true;
  }

  mknod(path: Uint8Array, mode: number, device: bigint): void {
    if (this.#function("mknod")(this.#pathOf(path), mode, device) < 0) throw this.#error("mknod");
  }

  seekData(fd: number, offset: number): number {
    const found = this.#function("lseek")(fd, offset, seekDataWhence);
    if (found >= 0) return found;
    const error = this.#error("lseek");
    if (error.code === "ENXIO") return -1;
    if (error.code === "EINVAL") return fallbackCalls.seekData(fd, offset);
    throw error;
  }

  seekHole(fd: number, offset: number): number {
    const found = this.#function("lseek")(fd, offset, seekHoleWhence);
    if (found >= 0) return found;
    const error = this.#error("lseek");
    if (error.code === "EINVAL" || error.code === "ENXIO") return fallbackCalls.seekHole(fd, offset);
    throw error;
  }

  fallocate(fd: number, sizeBytes: number): boolean {
    for (;;) {
      if (this.#function("fallocate")(fd, 0, 0, sizeBytes) === 0) return true;
      const error = this.#error("fallocate");
      if (error.code === "EINTR") continue;
      if (error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "EFBIG") throw error;
      return false;
    }
  }

  dropFromCache(fd: number, offset: number, length: number): void {
    // Advice only: the result says nothing that matters.
    this.#function("posix_fadvise")(fd, offset, length, adviceDontNeed);
  }

  #function(name: keyof typeof prototypes): NativeFunction {
    const found = this.#library.functions[name];
    if (found === undefined) throw new Error(`bug: ${name} was not loaded`);
    return found;
  }

  #setTime(index: number, timeNs: bigint): void {
    let seconds = timeNs / 1_000_000_000n;
    let nanoseconds = timeNs % 1_000_000_000n;
    if (nanoseconds < 0n) {
      seconds -= 1n;
      nanoseconds += 1_000_000_000n;
    }
    this.#times[index] = seconds;
    this.#times[index + 1] = nanoseconds;
  }

  #pathOf(path: Uint8Array): Buffer {
    if (path.length >= pathMaxBytes) throw systemCallError("open", 36);
    return terminated(path, this.#path);
  }

  #nameOf(name: Uint8Array | string): Buffer {
    const bytes = typeof name === "string" ? Buffer.from(name) : name;
    if (bytes.length > 255) throw systemCallError("xattr", 34);
    return terminated(bytes, this.#name);
  }

  #error(syscall: string): NodeJS.ErrnoException {
    return systemCallError(syscall, this.#library.libc.errno());
  }
}

function loadLibrary(): Library | undefined {
  if (libc === undefined) return undefined;
  const { find } = libc;
  const functions = Object.entries(prototypes).map(([name, prototype]) => [name, find(prototype)]);
  return { libc, functions: Object.fromEntries(functions) as Library["functions"] };
}

/** Calls that must fail with a known error: they show that name, arguments and errno work without touching anything. */
function probes(calls: NativeCalls): Record<SystemCallName, readonly [expected: string | undefined, () => unknown]> {
  const absent = Buffer.from("/proc/self/no-such-file");
  return {
    llistxattr: ["ENOENT", () => calls.llistxattr(absent)],
    // The working directory: both ways to do it then say the same of a name that is not there.
    listxattrAt: ["ENOENT", () => calls.listxattrAt(atCurrentDirectory, Buffer.from(".stowage-no-such-file"))],
    lgetxattr: ["ENOENT", () => calls.lgetxattr(absent, "user.probe")],
    lsetxattr: ["ENOENT", () => calls.lsetxattr(absent, "user.probe", Buffer.alloc(1))],
    lremovexattr: ["ENOENT", () => calls.lremovexattr(absent, "user.probe")],
    utimensat: ["ENOENT", () => calls.utimensat(absent, 0n, 0n)],
    statAt: ["EBADF", () => calls.statAt(-1, Buffer.from("no-such-file"))],
    readDirectory: ["EBADF", () => calls.readDirectory(-1)],
    openAt: ["EBADF", () => calls.openAt(-1, Buffer.from("no-such-file"), 0, 0)],
    makeDirectoryAt: ["EBADF", () => calls.makeDirectoryAt(-1, Buffer.from("no-such-directory"), 0)],
    close: ["EBADF", () => calls.close(-1)],
    futimens: ["EBADF", () => calls.futimens(-1, { seconds: 0, nanoseconds: 0 })],
    flistxattr: ["EBADF", () => calls.flistxattr(-1)],
    mknod: ["ENOENT", () => calls.mknod(Buffer.from("/proc/self/no-such-directory/file"), 0o010600, 0n)],
    seekData: ["EBADF", () => calls.seekData(-1, 0)],
    seekHole: ["EBADF", () => calls.seekHole(-1, 0)],
    fallocate: [undefined, () => calls.fallocate(-1, 1)],
    dropFromCache: [undefined, () => calls.dropFromCache(-1, 0, 0)],
  };
}

function works([expected, probe]: readonly [string | undefined, () => unknown]): boolean {
  try {
    probe();
    return expected === undefined;
  } catch (error) {
    return expected !== undefined && (error as NodeJS.ErrnoException).code === expected;
  }
}

/** Builds the calls of one thread. @param native false: fallbacks only, as on a platform without the add-on. */
export function createSystemCalls(native: boolean = true): { calls: SystemCalls; native: ReadonlySet<SystemCallName> } {
  const library = native ? loadLibrary() : undefined;
  if (library === undefined) return { calls: fallbackCalls, native: new Set() };
  const nativeCalls = new NativeCalls(library);
  const working = new Set<SystemCallName>();
  const calls: Record<string, unknown> = {};
  for (const [name, probe] of Object.entries(probes(nativeCalls)) as [SystemCallName, [string, () => unknown]][]) {
    const isNative = works(probe);
    if (isNative) working.add(name);
    const owner: SystemCalls = isNative ? nativeCalls : fallbackCalls;
    calls[name] = (owner[name] as (...values: never[]) => unknown).bind(owner);
  }
  return { calls: calls as unknown as SystemCalls, native: working };
}

const loaded = createSystemCalls();

/** The calls of this thread. */
export const systemCalls: SystemCalls = loaded.calls;
/** Those that need no fallback here; without "llistxattr" extended attributes are neither saved nor restored. */
export const nativeSystemCalls: ReadonlySet<SystemCallName> = loaded.native;
