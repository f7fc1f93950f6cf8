// Creates what a node describes in an open directory. Nothing here follows a link or overwrites by accident: new files are
// made with O_EXCL, existing ones are opened with O_NOFOLLOW and must be regular. Modes are private until the metadata come.
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { RepositoryError } from "../errors.ts";
import type { DirectoryHandle } from "./directory-handle.ts";
import { nonZeroParts } from "./sparse.ts";
import { systemCalls } from "./system-calls.ts";

const createFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const openFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Linux's O_PATH, which Node does not name: a descriptor of the entry itself, without any right on its content. */
const oPath = 0o10000000;
const privateFileMode = 0o600;
const privateDirectoryMode = 0o700;

/** @returns the descriptor of a new, empty file. @throws EEXIST when the name is taken. */
export function createFile(directory: DirectoryHandle, name: Uint8Array): number {
  return openSync(directory.childPath(name), createFlags, privateFileMode);
}

/**
 * As createFile, in one system call by the directory's descriptor; `fill` is handed the file, which is closed afterwards.
 * @throws EEXIST when the name is taken; what `fill` throws; what closing shows.
 */
export function createFilled(directory: DirectoryHandle, name: Uint8Array, fill: (fd: number) => void): void {
  const fd = directory.openEntry(name, createFlags, privateFileMode);
  try {
    fill(fd);
  } finally {
    systemCalls.close(fd);
  }
}

/**
 * Opens a regular file that exists, for reading and writing. One that its mode protects from its owner is made writable.
 * @throws ENOENT, ELOOP for a link, RepositoryError "target-unwritable" for anything else that is no regular file.
 */
export function openForWriting(directory: DirectoryHandle, name: Uint8Array): number {
  const path = directory.childPath(name);
  let fd: number;
  try {
    fd = openSync(path, openFlags);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    chmodChild(directory, name, privateFileMode);
    fd = openSync(path, openFlags);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new RepositoryError("target-unwritable", "something that is no regular file stands in the place of the file");
}

/**
 * Prepares a file for a size that is known: a sparse one is a single hole of that size, another one has its room reserved, so
 * that a full disk shows before the data are fetched.
 * @throws ENOSPC, EDQUOT, EFBIG.
 */
export function reserve(fd: number, sizeBytes: number, options: { readonly sparse: boolean }): void {
  if (options.sparse) ftruncateSync(fd, sizeBytes);
  else if (sizeBytes > 0) systemCalls.fallocate(fd, sizeBytes);
}

export function truncate(fd: number, sizeBytes: number): void {
  ftruncateSync(fd, sizeBytes);
}

/**
 * Writes all bytes at an offset.
 * @param options.sparse leaves blocks of zeros unwritten: only where the file is a hole at that place.
 */
export function writeAt(
  fd: number,
  bytes: Uint8Array,
  offset: number,
  options: { readonly sparse: boolean } = { sparse: false },
): void {
  const parts = options.sparse ? nonZeroParts(bytes, offset) : [{ start: 0, end: bytes.length }];
  for (const { start, end } of parts) writeFully(fd, bytes.subarray(start, end), offset + start);
}

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSome(fd, bytes.subarray(done), offset + done);
}

/** @returns how many bytes the kernel took, at least one. */
export function writeSome(fd: number, bytes: Uint8Array, offset: number): number {
  return writeSync(fd, bytes, 0, bytes.length, offset);
}

/**
 * Makes the directory that a restore goes to, and those above it; links on the way are followed. Not by Node's `recursive`,
 * which tries for ever where a directory cannot be made although the one above exists (/proc, some mounts).
 */
export function makeTarget(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === path) throw error;
    // Somebody else may make the one above meanwhile: only a second failure below it means something.
    if (!existsSync(above)) makeTarget(above);
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, privateDirectoryMode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw error;
  }
}

export function makeDirectory(directory: DirectoryHandle, name: Uint8Array): void {
  directory.makeChild(name, privateDirectoryMode);
}

/** @param target raw bytes, kept as they are. */
export function makeSymlink(directory: DirectoryHandle, name: Uint8Array, target: Buffer): void {
  symlinkSync(target, directory.childPath(name));
}

/** Another name for a file: link(2) does not follow the last component of either path. */
export function makeHardLink(
  existing: { readonly directory: DirectoryHandle; readonly name: Uint8Array },
  directory: DirectoryHandle,
  name: Uint8Array,
): void {
  linkSync(existing.directory.childPath(existing.name), directory.childPath(name));
}

/** FIFOs and device nodes. @param statType S_IFIFO, S_IFCHR or S_IFBLK; @param device st_rdev. @throws EPERM. */
export function makeSpecial(directory: DirectoryHandle, name: Uint8Array, statType: number, device: bigint): void {
  systemCalls.mknod(directory.childPath(name), statType | privateFileMode, device);
}

/**
 * chmod that follows no link: through a descriptor of the entry itself, since Linux had no such call before 6.6.
 * @param mode 0 to 0o7777. @throws ENOTSUP for a link.
 */
export function chmodChild(directory: DirectoryHandle, name: Uint8Array, mode: number): void {
  const fd = openSync(directory.childPath(name), oPath | constants.O_NOFOLLOW);
  try {
    chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}
