// Turns what the kernel says about a file being written into the engine's words, so that a caller can tell a full disk,
// which ends a restore, from one entry that cannot be written.
import { type ErrorCode, RepositoryError } from "../errors.ts";

const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ["ENOSPC", "target-full"],
  ["EDQUOT", "target-full"],
  ["EACCES", "target-denied"],
  ["EPERM", "target-denied"],
  ["EROFS", "target-denied"],
]);

/**
 * @param action what was tried, as in "write 4096 bytes at offset 0".
 * @returns errors of the engine unchanged; all others with their message, the code by errno.
 */
export function targetError(error: unknown, action: string): RepositoryError {
  if (RepositoryError.is(error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new RepositoryError(codes.get(code ?? "") ?? "target-unwritable", `${action}: ${message}`, {
    ...(code === undefined ? {} : { details: { errno: code } }),
    cause: error,
  });
}
