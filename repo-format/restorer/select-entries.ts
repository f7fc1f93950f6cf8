// Which entries of a snapshot a restore takes: includes and excludes in restic's pattern language, against the path from the
// restored folder.
import { compilePatterns, type Patterns } from "../file-tree/patterns.ts";
import type { RestoreOptions } from "./restore-options.ts";

export interface Selection {
  readonly isSelected: boolean;
  /** For a directory: something below it may be selected. */
  readonly childMayBeSelected: boolean;
}

/** @param path one character per byte, beginning with "/". */
export type Select = (path: string, isDirectory: boolean) => Selection;

const everything: Selection = { isSelected: true, childMayBeSelected: true };
const nothing: Selection = { isSelected: false, childMayBeSelected: false };

type SelectOptions = Pick<RestoreOptions, "includes" | "insensitiveIncludes" | "excludes" | "insensitiveExcludes">;

/** @throws RepositoryError "pattern-malformed". */
export function selectEntries(options: SelectOptions): Select {
  const includes = groupsOf(options.includes, options.insensitiveIncludes);
  const excludes = groupsOf(options.excludes, options.insensitiveExcludes);
  // Includes that are all empty, as from a script's variable that is not set, select nothing rather than everything.
  const isChoosing = Boolean(options.includes?.length || options.insensitiveIncludes?.length);
  return (path, isDirectory) => {
    // A directory that is excluded is not entered, whatever a later pattern may take back below it.
    if (excludes.some((group) => group.match(path).matched)) return nothing;
    if (!isChoosing) return everything;
    const matches = includes.map((group) => group.match(path));
    return {
      isSelected: matches.some((match) => match.matched),
      childMayBeSelected: isDirectory && matches.some((match) => match.childMayMatch),
    };
  };
}

/** The same for names of extended attributes; undefined when all are taken. */
export function selectAttributes(
  options: Pick<RestoreOptions, "includeAttributes" | "excludeAttributes">,
): ((name: string) => boolean) | undefined {
  const includes = groupsOf(options.includeAttributes, undefined);
  const excludes = groupsOf(options.excludeAttributes, undefined);
  const isChoosing = Boolean(options.includeAttributes?.length);
  if (!isChoosing && excludes.length === 0) return undefined;
  return (name) => {
    const bytes = Buffer.from(name).toString("latin1");
    const isIncluded = !isChoosing || includes.some((group) => group.match(bytes).matched);
    return isIncluded && !excludes.some((group) => group.match(bytes).matched);
  };
}

function groupsOf(exact: readonly string[] = [], insensitive: readonly string[] = []): Patterns[] {
  const groups = [compilePatterns(exact), compilePatterns(insensitive, { insensitive: true })];
  return groups.filter((group) => !group.isEmpty);
}
