// Removes entries of an open directory, whole subtrees too, without ever leaving it: each level is opened without following
// links, and only names read from that very directory are removed in it.
import { lstatSync, rmdirSync, unlinkSync } from "node:fs";
import type { DirectoryHandle } from "./directory-handle.ts";

/** Called after each entry is gone, with its path below the removed name ("" for the name itself), raw bytes as latin1. */
export type OnRemoved = (latin1Path: string) => void;

/** Descriptors that a deep tree may hold open at once. */
const maxOpenLevels = 64;

export interface RemoveOptions {
  /** False: a directory is removed only when it is empty (ENOTEMPTY otherwise). */
  readonly recursive: boolean;
  readonly onRemoved?: OnRemoved;
  /** Only report what would be removed. */
  readonly dryRun?: boolean;
}

/** Removes one entry. An absent one is no error. */
export function removeChild(
  directory: DirectoryHandle,
  name: Uint8Array,
  options: RemoveOptions = { recursive: false },
): void {
  const path = directory.childPath(name);
  const kind = kindOf(path);
  if (kind === "absent") return;
  if (kind === "directory") {
    if (options.recursive) emptyDirectory(directory, Buffer.from(name), options);
    if (options.dryRun !== true) rmdirSync(path);
  } else if (options.dryRun !== true) {
    unlinkSync(path);
  }
  options.onRemoved?.("");
}

function kindOf(path: Buffer): "absent" | "directory" | "other" {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "absent";
  return stat.isDirectory() ? "directory" : "other";
}

interface Level {
  readonly name: Buffer;
  readonly latin1Path: string;
  handle: DirectoryHandle | undefined;
  readonly names: string[];
}

/**
 * Depth first with a stack of our own. Handles of outer levels are closed when the tree is deep and found again by their
 * names; a directory that was moved meanwhile is then simply not empty, and rmdir says so.
 */
function emptyDirectory(parent: DirectoryHandle, name: Buffer, { onRemoved, dryRun = false }: RemoveOptions): void {
  const stack: Level[] = [enter(parent, name, "")];
  try {
    while (stack.length > 0) {
      const level = stack.at(-1) as Level;
      const handle = handleOf(parent, stack, stack.length - 1);
      const next = level.names.pop();
      if (next === undefined) {
        handle.close();
        level.handle = undefined;
        stack.pop();
        if (stack.length === 0) continue;
        if (!dryRun) rmdirSync(handleOf(parent, stack, stack.length - 1).childPath(level.name));
        onRemoved?.(level.latin1Path);
        continue;
      }
      const bytes = Buffer.from(next, "latin1");
      const path = handle.childPath(bytes);
      const kind = kindOf(path);
      if (kind === "directory") {
        stack.push(enter(handle, bytes, `${level.latin1Path}/${next}`));
        closeOuter(stack);
      } else if (kind === "other") {
        if (!dryRun) unlinkSync(path);
        onRemoved?.(`${level.latin1Path}/${next}`);
      }
    }
  } finally {
    for (const level of stack) level.handle?.close();
  }
}

function enter(parent: DirectoryHandle, name: Buffer, latin1Path: string): Level {
  const handle = parent.openChild(name);
  try {
    return { name, latin1Path, handle, names: handle.readLatin1Names() };
  } catch (error) {
    handle.close();
    throw error;
  }
}

function closeOuter(stack: readonly Level[]): void {
  const outer = stack[stack.length - 1 - maxOpenLevels];
  outer?.handle?.close();
  if (outer !== undefined) outer.handle = undefined;
}

/** The handle of a level, opened again from the nearest open one above it when it was closed. */
function handleOf(parent: DirectoryHandle, stack: readonly Level[], index: number): DirectoryHandle {
  const level = stack[index] as Level;
  if (level.handle !== undefined) return level.handle;
  let current = parent;
  for (let depth = 0; depth <= index; depth++) {
    const outer = current;
    try {
      current = outer.openChild((stack[depth] as Level).name);
    } finally {
      if (outer !== parent) outer.close();
    }
  }
  level.handle = current;
  return current;
}
