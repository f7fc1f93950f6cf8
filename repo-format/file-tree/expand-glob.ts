// The files that a path with wildcards stands for, as Go's filepath.Glob finds them: `*` and `?` also take a leading dot and
// bytes that are no UTF-8, `**` is a `*`, braces are letters, and a backslash takes the wildcard's meaning away.
import { lstatSync, readdirSync, statSync } from "node:fs";
import { RepositoryError } from "../errors.ts";
import { compileGlob, matchGlob } from "./glob.ts";

/**
 * The paths that exist and fit, sorted by their bytes; relative ones stay relative. What cannot be looked at does not exist.
 * @param pattern without wildcards: the path itself, if it exists.
 * @throws RepositoryError "argument-invalid" for a class that is not closed, or a last backslash
 */
export function expandGlob(pattern: string): Buffer[] {
  const bytes = Buffer.from(pattern).toString("latin1");
  if (compileGlob(bytes) === undefined)
    throw new RepositoryError("argument-invalid", `the pattern "${pattern}" is malformed`);
  return expand(bytes).map((path) => Buffer.from(path, "latin1"));
}

/** One character per byte, here and below. */
function expand(pattern: string): string[] {
  if (!hasWildcard(pattern)) return exists(pattern) ? [pattern] : [];
  const slash = pattern.lastIndexOf("/");
  const directory = pattern.slice(0, slash + 1);
  const name = pattern.slice(slash + 1);
  // "/" stays; else the slash goes.
  const parent = directory.length > 1 ? directory.slice(0, -1) : directory;
  const parents = hasWildcard(parent) ? expand(parent) : [parent];
  return parents.flatMap((path) => entriesLike(name, path));
}

function entriesLike(name: string, directory: string): string[] {
  const glob = compileGlob(name);
  if (glob === undefined) return [];
  const prefix = directory === "" || directory.endsWith("/") ? directory : `${directory}/`;
  const names = namesOf(directory === "" ? "." : directory).filter((entry) => matchGlob(glob, entry));
  return names.sort().map((entry) => prefix + entry);
}

function namesOf(directory: string): string[] {
  const path = Buffer.from(directory, "latin1");
  try {
    if (!statSync(path).isDirectory()) return [];
    return readdirSync(path, { encoding: "buffer" }).map((name) => name.toString("latin1"));
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(Buffer.from(path, "latin1"));
    return true;
  } catch {
    return false;
  }
}

function hasWildcard(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}
