// The same file by a second descriptor that passes the page cache (O_DIRECT), for threads that read and write large pieces.
// Taking fresh pages costs a virtual machine 2 ns a byte and more, which is as much as all else that a restore does; see
// storage/direct-files.ts.
import { closeSync, constants, openSync } from "node:fs";

/** @returns undefined where the file system has no direct access. */
export function reopenDirectly(fd: number, access: number): number | undefined {
  try {
    // By the descriptor, so it is the same file whatever its name means by now.
    return openSync(`/proc/self/fd/${fd}`, access | constants.O_DIRECT);
  } catch {
    return undefined;
  }
}

export function closeDirect(fd: number | undefined): undefined {
  if (fd !== undefined) closeSync(fd);
}
