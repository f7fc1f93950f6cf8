// What stat tells of a file, with every number exact.

/** The part of Node's BigIntStats that the engine uses, which therefore is one. */
export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  /** st_mode: type and permissions. */
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** On the disk, 512 bytes each. */
  readonly blocks: bigint;
  /** Nanoseconds since 1970. */
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** The kind of file in st_mode (inode(7)). */
export const modeTypes = {
  mask: 0o170000,
  file: 0o100000,
  directory: 0o040000,
  link: 0o120000,
  blockDevice: 0o060000,
  characterDevice: 0o020000,
  fifo: 0o010000,
  socket: 0o140000,
} as const;
