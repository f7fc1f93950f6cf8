// The file operations of the local directory store: durable writes, exclusive naming, exact reads.
import { closeSync, fstatSync, openSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { constants, link, lstat, mkdir, open, readdir, rename, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RepositoryError, throwIfCancelled } from "../errors.ts";
import { hasErrno, isUnsupportedSync } from "./local-errors.ts";
import type { ObjectBody } from "./object-storage.ts";
import { bodyParts } from "./object-storage.ts";

/**
 * Makes a directory and those above it. Not by Node's `recursive`, which tries for ever where a directory cannot be made
 * although the one above exists (/proc, some mounts).
 */
export async function makeFolders(path: string, mode: number): Promise<void> {
  try {
    await makeFolder(path, mode);
  } catch (error) {
    const above = dirname(path);
    if (!hasErrno(error, "ENOENT") || above === path) throw error;
    // Somebody else may make the one above meanwhile: only a second failure below it means something.
    if (!(await exists(above))) await makeFolders(above, mode);
    await makeFolder(path, mode);
  }
}

async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (!hasErrno(error, "EEXIST") || !(await stat(path)).isDirectory()) throw error;
  }
}

/** @param written bytes of the body that are in the file already. */
export async function writeAndSync(
  file: FileHandle,
  body: ObjectBody,
  signal: AbortSignal | undefined,
  written: number = 0,
): Promise<void> {
  try {
    await writeFully(file, bodyParts(body), signal, written);
    await file.sync();
  } catch (error) {
    if (!isUnsupportedSync(error)) throw error;
  } finally {
    await file.close();
  }
}

/** Closes the file when all went well. @returns how many bytes it has. */
export async function writePieces(
  file: FileHandle,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<number> {
  let written = 0;
  for await (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      throwIfCancelled(signal);
      const { bytesWritten } = await file.write(piece, done, piece.length - done, written);
      done += bytesWritten;
      written += bytesWritten;
    }
  }
  await writeAndSync(file, [], signal);
  return written;
}

/** The kernel takes no more buffers in one call. */
export const mostBuffers = 1024;

/** The kernel may write less than it was given. */
export async function writeFully(
  file: FileHandle,
  parts: readonly Uint8Array[],
  signal: AbortSignal | undefined,
  written: number = 0,
): Promise<void> {
  let position = written;
  let rest = dropBytes(
    parts.filter((part) => part.length > 0),
    written,
  );
  while (rest.length > 0) {
    throwIfCancelled(signal);
    const { bytesWritten } = await file.writev(rest.slice(0, mostBuffers), position);
    position += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

/** What is left of the parts behind their first bytes. */
export function dropBytes(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  let index = 0;
  for (let part = parts[0]; part !== undefined && part.length <= left; part = parts[index]) {
    left -= part.length;
    index += 1;
  }
  const [first, ...others] = parts.slice(index);
  return first === undefined ? [] : [first.subarray(left), ...others];
}

/** Gives a finished temporary file its name; with `ifAbsent` fails with EEXIST when the name is taken. */
export async function moveIntoPlace(temporary: string, path: string, ifAbsent: boolean): Promise<void> {
  if (!ifAbsent) return rename(temporary, path);
  try {
    await link(temporary, path);
    await unlink(temporary);
  } catch (error) {
    if (!hasErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error;
    // No hard links here: an exclusive empty file decides the race, and is replaced at once.
    await (await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)).close();
    await rename(temporary, path);
  }
}

/** Own memory (allocUnsafeSlow), so that the buffer can be transferred to a thread. */
export async function readFully(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) {
      throw new RepositoryError("object-truncated", `a file ended after ${done} of ${length} bytes while it was read`);
    }
    done += bytesRead;
  }
  return buffer;
}

/** No link is followed, no FIFO waited for. @returns a descriptor. @throws Node's error, also for what is no regular file. */
export function openRegularFile(path: string): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw new RepositoryError("object-missing", "it is no regular file");
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } catch (error) {
    if (!isUnsupportedSync(error)) throw error;
  } finally {
    await directory.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** The directory and those in it; what is not empty, or cannot be read, stays. No link is followed. */
export async function removeEmptyFolders(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeEmptyFolders(join(path, entry.name));
  await rmdir(path).catch(() => undefined);
}
