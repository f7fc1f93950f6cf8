// What the local side needs of the kernel beyond Node's own file functions: the contract of libc's calls and of their fallbacks.

import type { FileStat } from "./file-stat.ts";

/** An instant as the kernel has it: whole seconds since 1970, also negative, and 0 to 999,999,999 nanoseconds after them. */
export interface SplitTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * Paths are raw bytes without a NUL; no call follows a link in the last component. Failures are thrown as Node's own file
 * system errors are: `code` ("ENOTSUP"), `errno` (negative), `syscall`.
 */
export interface SystemCalls {
  /**
   * lstat of a child of an open directory; of the open file itself when the name is empty.
   * @throws EINVAL for a name with a NUL, ENAMETOOLONG above 255 bytes.
   */
  statAt(directory: number, name: Uint8Array): FileStat;
  /** The names in an open directory, one character per byte, in no order, without "." and "..". */
  readDirectory(fd: number): string[];
  /** Names in the order of the kernel; empty where the file system has no attributes. */
  llistxattr(path: Uint8Array): Buffer[];
  /** The same of a child of an open directory. */
  listxattrAt(directory: number, name: Uint8Array): Buffer[];
  lgetxattr(path: Uint8Array, name: Uint8Array | string): Buffer;
  lsetxattr(path: Uint8Array, name: Uint8Array | string, value: Uint8Array): void;
  lremovexattr(path: Uint8Array, name: Uint8Array | string): void;
  /** Nanoseconds since 1970, negative ones too. @returns false when the times had to be rounded. */
  utimensat(path: Uint8Array, atimeNs: bigint, mtimeNs: bigint): boolean;
  /**
   * openat: a descriptor that closes on exec, for `close` alone: Node warns of those that a thread closes and Node did not
   * open. @param flags with O_NOFOLLOW; @param mode for O_CREAT; the umask applies.
   */
  openAt(directory: number, name: Uint8Array, flags: number, mode: number): number;
  /** mkdirat. @param mode the umask applies. @throws EEXIST also when a link stands there. */
  makeDirectoryAt(directory: number, name: Uint8Array, mode: number): void;
  /** Closes what `openAt` has opened. @throws EIO, ENOSPC, EDQUOT where writing shows its failure only now. */
  close(fd: number): void;
  /** Both times of an open file. @returns false when they had to be rounded. */
  futimens(fd: number, time: SplitTime): boolean;
  /** As llistxattr, of an open file. */
  flistxattr(fd: number): Buffer[];
  /** @param mode st_mode with its type; @param device st_rdev, 0 for a FIFO. The umask applies. */
  mknod(path: Uint8Array, mode: number, device: bigint): void;
  /** Offset of the first byte at or after `offset` that is not in a hole; -1 when only a hole follows. */
  seekData(fd: number, offset: number): number;
  /** Offset of the first hole at or after `offset`; the end of the file counts as one. */
  seekHole(fd: number, offset: number): number;
  /** Reserves space, extending the file. @returns false where the file system cannot; @throws ENOSPC, EDQUOT, EFBIG. */
  fallocate(fd: number, sizeBytes: number): boolean;
  /** Lets the kernel forget the pages of a range (length 0: to the end), so that a backup keeps the page cache warm for others. */
  dropFromCache(fd: number, offset: number, length: number): void;
}

export type SystemCallName = keyof SystemCalls;
