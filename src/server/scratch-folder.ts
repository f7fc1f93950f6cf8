// A folder of this process in the scratch directory, gone when the process ends. What earlier processes of this host left
// behind when they were killed is removed, so that tarballs do not pile up on the node's disk.
import { mkdir, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** @returns the folder, made and empty. */
export async function makeScratchFolder(directory: string, pid: number = process.pid): Promise<string> {
  const prefix = `${hostname()}-`;
  const path = join(directory, `${prefix}${pid}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    const owner = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
    // One of our own number is left over: in a container every process has the same.
    if (Number.isSafeInteger(owner) && owner > 0 && (owner === pid || !isRunning(owner)))
      await removeScratch(join(directory, name));
  }
  await mkdir(path, { mode: 0o700 });
  return path;
}

export async function removeScratch(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
