// Writes and removes the marker files in a restored volume. The volume's content is not trusted: a snapshot may hold a
// link named .velero, and other pods may change a shared volume meanwhile. So every step goes through an open directory
// (/proc/self/fd/N/name) and follows no link.

import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { doneMarker, failedMarker, type MarkerProgress, markerDirectory, progressMarker } from "./marker-names.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Removes whatever lies at .velero and makes the directory anew, before data flows. */
export function prepareMarkers(volumePath: string): void {
  withDirectory(volumePath, (volume) => makeMarkerDirectory(volume));
}

/** Replaces the numbers that the restore-helper prints. Never fails: they are a courtesy. */
export function writeProgressMarker(volumePath: string, restoreUid: string, progress: MarkerProgress): void {
  try {
    inMarkerDirectory(volumePath, (directory) => {
      const name = progressMarker(restoreUid);
      removeTree(directory, Buffer.from(`${name}.new`));
      createFile(directory, `${name}.new`, JSON.stringify(progress));
      renameSync(childPath(directory, `${name}.new`), childPath(directory, name));
    });
  } catch {
    // A full or vanished volume shows itself in the restore's own error.
  }
}

/**
 * The restore is complete: an old .velero is removed, a new one holds the done marker alone.
 * @throws the error of the system call that failed
 */
export function writeDoneMarker(volumePath: string, restoreUid: string): void {
  withDirectory(volumePath, (volume) => {
    makeMarkerDirectory(volume);
    inMarkerDirectoryOf(volume, (directory) => createFile(directory, doneMarker(restoreUid), ""));
  });
}

/** The restore has failed for good: the helper prints the reason and ends. */
export function writeFailedMarker(volumePath: string, restoreUid: string, reason: string): void {
  withDirectory(volumePath, (volume) => {
    makeMarkerDirectory(volume);
    inMarkerDirectoryOf(volume, (directory) => createFile(directory, failedMarker(restoreUid), `${reason}\n`));
  });
}

/**
 * Removes .velero when it is this restore's. A directory without our files belongs to the application and is left alone.
 * @returns false when there was nothing of ours.
 */
export function removeMarkers(volumePath: string, restoreUid: string): boolean {
  const ours = [doneMarker(restoreUid), failedMarker(restoreUid), progressMarker(restoreUid)];
  return withDirectory(volumePath, (volume) => {
    if (!isDirectory(volume, markerDirectory)) return false;
    const names = inMarkerDirectoryOf(volume, (directory) => readdirSync(selfPath(directory)));
    if (!ours.some((name) => names.includes(name))) return false;
    removeTree(volume, Buffer.from(markerDirectory));
    return true;
  });
}

function makeMarkerDirectory(volume: number): void {
  removeTree(volume, Buffer.from(markerDirectory));
  mkdirSync(childPath(volume, markerDirectory), 0o755);
  inMarkerDirectoryOf(volume, (directory) => {
    fchmodSync(directory, 0o755);
    const owner = fstatSync(volume);
    try {
      // Then a helper that may write the volume's root may also remove what is in here.
      fchownSync(directory, owner.uid, owner.gid);
    } catch {
      // Without CAP_CHOWN, or on a store without owners: the agent removes the files itself.
    }
  });
}

function createFile(directory: number, name: string, content: string): void {
  const file = openSync(childPath(directory, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    // The process's umask must not decide whether the helper, another user, may read it.
    fchmodSync(file, 0o644);
    writeSync(file, content);
  } finally {
    closeSync(file);
  }
}

/** Removes a file, a link or a whole directory below an open directory; absent is fine. */
function removeTree(parent: number, name: Buffer): void {
  const path = Buffer.concat([Buffer.from(`${selfPath(parent)}/`), name]);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isDirectory()) {
    unlinkSync(path);
    return;
  }
  const directory = openSync(path, directoryFlags);
  try {
    for (const child of readdirSync(selfPath(directory), { encoding: "buffer" })) removeTree(directory, child);
  } finally {
    closeSync(directory);
  }
  rmdirSync(path);
}

function isDirectory(parent: number, name: string): boolean {
  return lstatSync(childPath(parent, name), { throwIfNoEntry: false })?.isDirectory() === true;
}

function inMarkerDirectory<T>(volumePath: string, action: (directory: number) => T): T {
  return withDirectory(volumePath, (volume) => inMarkerDirectoryOf(volume, action));
}

function inMarkerDirectoryOf<T>(volume: number, action: (directory: number) => T): T {
  return withDirectory(childPath(volume, markerDirectory), action);
}

function withDirectory<T>(path: string, action: (directory: number) => T): T {
  const directory = openSync(path, directoryFlags);
  try {
    return action(directory);
  } finally {
    closeSync(directory);
  }
}

function selfPath(directory: number): string {
  return `/proc/self/fd/${directory}`;
}

function childPath(directory: number, name: string): string {
  return `${selfPath(directory)}/${name}`;
}
