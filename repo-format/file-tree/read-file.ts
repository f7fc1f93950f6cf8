// Opens files of the source without following links, without waiting for FIFOs and, where permitted, without touching the
// access time; and reads them in full windows.
import { constants, readSync } from "node:fs";
import { RepositoryError } from "../errors.ts";
import type { DirectoryHandle } from "./directory-handle.ts";
import type { FileStat } from "./file-stat.ts";
import { statOpened } from "./opened-file.ts";
import { systemCalls } from "./system-calls.ts";

const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** An open regular file. Close `fd` exactly once, with `closeAfterReading`. */
export interface OpenedFile {
  readonly fd: number;
  /** fstat of the descriptor: what the bytes that follow belong to. */
  readonly stat: FileStat;
}

/**
 * @throws Node's error (ENOENT: vanished, EACCES …), or RepositoryError "source-unreadable" when it is no regular file any
 * more.
 */
export function openForReading(directory: DirectoryHandle, name: Uint8Array): OpenedFile {
  const fd = openQuietly(directory, name);
  try {
    const stat = statOpened(fd);
    if (stat.isFile()) return { fd, stat };
    throw new RepositoryError("source-unreadable", "the file changed its type since it was listed; it was not read");
  } catch (error) {
    closeAfterReading(fd);
    throw error;
  }
}

/** Closes what `openForReading` has opened. */
export function closeAfterReading(fd: number): void {
  systemCalls.close(fd);
}

/** O_NOATIME is for the owner and root only; everybody else reads the file as usual. */
function openQuietly(directory: DirectoryHandle, name: Uint8Array): number {
  try {
    return directory.openEntry(name, openFlags | constants.O_NOATIME, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") {
      throw new RepositoryError(
        "source-unreadable",
        "the file became a link since it was listed; it was not followed",
        {
          cause: error,
        },
      );
    }
    if (code !== "EPERM") throw error;
    return directory.openEntry(name, openFlags, 0);
  }
}

/**
 * Reads until `length` bytes are there or the file ends.
 * @returns the number of bytes read, less than `length` only at the end of the file.
 */
export function readFully(fd: number, target: Uint8Array, position: number, length: number = target.length): number {
  let done = 0;
  while (done < length) {
    const count = readSync(fd, target, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
