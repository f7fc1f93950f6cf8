// What a thread and the archiver both have to know about files that change, vanish or cannot be read while a backup runs.
import { RepositoryError } from "../errors.ts";
import type { FileStat } from "../file-tree/file-stat.ts";

/** fstat of an open file, as far as a node shows it. */
export interface OpenedFileStat {
  /** st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export function openedFileStat(stat: FileStat): OpenedFileStat {
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    links: Number(stat.nlink),
    inode: stat.ino,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}

/** True when, as far as the kernel tells, nothing was written to the file between the two. */
export function isUnchanged(before: FileStat, after: FileStat): boolean {
  return before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs && before.size === after.size;
}

/** Why a file is missing from the snapshot. */
export interface SourceFailure {
  readonly kind: "vanished" | "unreadable";
  readonly message: string;
}

/** What the machine lacks, whichever file it shows at. */
const exhaustions: ReadonlySet<string | undefined> = new Set(["EMFILE", "ENFILE", "ENOMEM"]);

/**
 * The failure of one file; undefined for an error that concerns more than this file.
 * @throws RepositoryError "resources-exhausted": every other file would be missing for the same reason.
 */
export function sourceFailureOf(error: unknown): SourceFailure | undefined {
  if (RepositoryError.is(error, "source-unreadable")) return { kind: "unreadable", message: error.message };
  if (RepositoryError.is(error) || !isSystemError(error)) return undefined;
  if (exhaustions.has(error.code)) {
    throw new RepositoryError("resources-exhausted", messageWithoutPath(error), { cause: error });
  }
  const isGone = error.code === "ENOENT" || error.code === "ESTALE" || error.code === "ENOTDIR";
  return { kind: isGone ? "vanished" : "unreadable", message: messageWithoutPath(error) };
}

/** Node's messages end in the path, which here is one of /proc/self/fd and means nothing to people. */
function messageWithoutPath(error: Error): string {
  return error.message.replace(/ '\/proc\/self\/fd\/.*$/s, "");
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}
