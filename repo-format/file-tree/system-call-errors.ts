// Failures of libc's calls as Node's own file system errors are.
import { getSystemErrorMessage, getSystemErrorName } from "node:util";

/** @param errno positive, as libc gives it. */
export function systemCallError(syscall: string, errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const error: NodeJS.ErrnoException = new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${syscall}`);
  error.code = code;
  error.errno = -errno;
  error.syscall = syscall;
  return error;
}

/** A NUL inside would end the name early and address another file: refused as Node refuses it. */
export function terminated(bytes: Uint8Array, scratch: Buffer): Buffer {
  if (bytes.includes(0)) throw systemCallError("open", 22);
  scratch.set(bytes);
  scratch[bytes.length] = 0;
  return scratch;
}
