// Where cached files of repositories lie: below one directory that all processes of a user share, a folder for each
// location. The names of the folders are ours, so that restic may have its caches in the same place.
import { createHash } from "node:crypto";
import { readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../local-errors.ts";
import { makeFolders } from "../local-files.ts";

/** The number is that of the layout: another one would be another folder. */
const folderPrefix = "stowage-1-";
const folderMode = 0o700;

/** Makes backup programs leave the directory out (https://bford.info/cachedir/). */
const tagName = "CACHEDIR.TAG";
const tagText =
  "Signature: 8a477f597d28d172789f06886806bc55\n# Copies of repository files; may be deleted at any time.\n";

/** A folder that nobody has opened for so long is old. */
const oldAfterMs: number = 30 * 24 * 60 * 60 * 1000;

/** Name of the folder for the repository at a location; says nothing about where it is. */
export function cacheFolderName(location: string): string {
  return folderPrefix + createHash("sha256").update(location).digest("hex").slice(0, 32);
}

/** Folders of all repositories. */
export async function cacheFolders(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => name.startsWith(folderPrefix)).map((name) => join(directory, name));
}

/**
 * Makes the folder for a location, and marks it as in use.
 * @returns its path. @throws Node's error when it cannot be made
 */
export async function openCacheFolder(directory: string, location: string, nowMs: number): Promise<string> {
  const folder = join(directory, cacheFolderName(location));
  await makeFolders(folder, folderMode);
  await writeFile(join(directory, tagName), tagText, { flag: "wx", mode: 0o600 }).catch((error: unknown) => {
    if (!hasErrno(error, "EEXIST")) throw error;
  });
  await utimes(folder, nowMs / 1000, nowMs / 1000);
  return folder;
}

/** Removes the folders of repositories that nobody has used for 30 days. @returns how many */
export async function removeOldCaches(directory: string, nowMs: number): Promise<number> {
  let count = 0;
  for (const folder of await cacheFolders(directory)) {
    const { mtimeMs } = await stat(folder);
    if (nowMs - mtimeMs <= oldAfterMs) continue;
    await rm(folder, { recursive: true, force: true });
    count++;
  }
  return count;
}
