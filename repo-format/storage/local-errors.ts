// What a failed file operation of the local directory store means to its caller.
import type { ErrorCode } from "../errors.ts";
import { RepositoryError } from "../errors.ts";
import { objectMissing } from "./object-storage.ts";

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: "storage-denied",
  EPERM: "storage-denied",
  EROFS: "storage-denied",
  ENOSPC: "storage-full",
  EDQUOT: "storage-full",
  EFBIG: "storage-full",
  ENAMETOOLONG: "argument-invalid",
  EEXIST: "storage-misconfigured",
  ENOTDIR: "storage-misconfigured",
  EISDIR: "storage-misconfigured",
};

interface FileFailure {
  readonly action: string;
  readonly key: string;
  readonly location: string;
}

/** Everything that is not in the table (EIO, ESTALE, EMFILE …) may go away: "storage-unavailable". */
export function fileError(error: unknown, failure: FileFailure): RepositoryError {
  const { action, key, location } = failure;
  const errno = errnoOf(error);
  const isRead = action === "read" || action === "look up";
  // ELOOP: a symbolic link in the place of an object, which is none.
  if (isRead && hasErrno(error, "ENOENT", "ENOTDIR", "EISDIR", "ELOOP")) return objectMissing(location, key, error);
  // The folder above is there, or it would have been made: trying again makes no difference.
  const code = action === "prepare" && errno === "ENOENT" ? "storage-misconfigured" : codes[errno ?? ""];
  const what = key === "" ? location : `${key} in ${location}`;
  const reason = errno ?? (error instanceof Error ? error.message : String(error));
  return new RepositoryError(code ?? "storage-unavailable", `cannot ${action} ${what}: ${reason}`, {
    details: { key, errno },
    cause: error,
  });
}

export function hasErrno(error: unknown, ...errnos: readonly string[]): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && errnos.includes(errno);
}

/** Some file systems cannot sync (a directory); restic tolerates that, too. */
export function isUnsupportedSync(error: unknown): boolean {
  return hasErrno(error, "EINVAL", "ENOTSUP", "EOPNOTSUPP") && (error as { syscall?: string }).syscall === "fsync";
}

function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
