// restic's pattern language, for excludes and for choosing what to restore: components in Go's filepath.Match syntax, `**`
// for any number of components, a leading `/` to anchor, a leading `!` to take back. Paths and patterns are raw bytes.
import { RepositoryError } from "../errors.ts";
import { compileGlob, type Glob, matchGlob } from "./glob.ts";
import { lowerCaseBytes } from "./lower-case.ts";

export interface PatternMatch {
  /** The path, or a directory above it, is selected by the patterns. */
  readonly matched: boolean;
  /** Something below the path may still be selected. */
  readonly childMayMatch: boolean;
}

export interface Patterns {
  readonly isEmpty: boolean;
  /**
   * @param path absolute, components joined by "/", one character per byte (Buffer.toString("latin1")).
   */
  match(path: string): PatternMatch;
}

/** A component: text that must be equal, or a glob. "**" is told apart by `isAnyDepth`. */
interface Part {
  readonly text: string;
  readonly glob: Glob | undefined;
  readonly isAnyDepth: boolean;
}

interface Pattern {
  readonly parts: readonly Part[];
  /** Index of the first "**", or -1. */
  readonly anyDepthAt: number;
  readonly isAnchored: boolean;
  readonly isNegated: boolean;
}

/** The component that stands for the leading "/" in a split path. */
const root = "/";
const anyOne: Part = { text: "*", glob: [{ kind: "star" }], isAnyDepth: false };

/**
 * Compiles patterns, in the order in which they are given: later ones win over earlier ones. Empty ones are left out.
 * @param lines text is taken as UTF-8; a buffer as it is.
 * @param options.insensitive compares lower-case forms (restic's --iexclude, --iinclude).
 * @throws RepositoryError "pattern-malformed" naming the pattern.
 */
export function compilePatterns(
  lines: readonly (string | Uint8Array)[],
  options: { readonly insensitive?: boolean } = {},
): Patterns {
  const isInsensitive = options.insensitive === true;
  const texts = lines.map(latin1Of).filter((text) => text !== "");
  const patterns = texts.map((text) => compilePattern(isInsensitive ? lowerCaseBytes(text) : text, text));
  const hasNegated = patterns.some((pattern) => pattern.isNegated);
  return {
    isEmpty: patterns.length === 0,
    match: (path) => matchList(patterns, hasNegated, split(isInsensitive ? lowerCaseBytes(path) : path)),
  };
}

function latin1Of(line: string | Uint8Array): string {
  return Buffer.from(line as string).toString("latin1");
}

function compilePattern(text: string, original: string): Pattern {
  const isNegated = text.startsWith("!");
  const parts = split(cleanPath(isNegated ? text.slice(1) : text)).map((component) => compilePart(component, original));
  const anyDepthAt = parts.findIndex((part) => part.isAnyDepth);
  return { parts, anyDepthAt, isAnchored: parts[0]?.text === root, isNegated };
}

function compilePart(component: string, original: string): Part {
  // "/" alone splits into the root and nothing: restic takes the nothing for a "**", so that "/" selects everything.
  if (component === "**" || component === "") return { text: "", glob: undefined, isAnyDepth: true };
  if (!/[\\[\]*?]/.test(component)) return { text: component, glob: undefined, isAnyDepth: false };
  const glob = compileGlob(component);
  if (glob !== undefined) return { text: component, glob, isAnyDepth: false };
  const shown = JSON.stringify(Buffer.from(original, "latin1").toString());
  throw new RepositoryError("pattern-malformed", `the pattern ${shown} has an incomplete "[…]" or ends in "\\"`);
}

/** Go's filepath.Clean: no empty and no "." components, ".." resolved as far as there is something to go up from. */
function cleanPath(path: string): string {
  const isAbsolute = path.startsWith("/");
  const kept: string[] = [];
  for (const component of path.split("/")) {
    if (component === "" || component === ".") continue;
    const canGoUp = kept.length > 0 && kept.at(-1) !== "..";
    if (component === ".." && canGoUp) kept.pop();
    else if (component !== ".." || !isAbsolute) kept.push(component);
  }
  const joined = kept.join("/");
  if (isAbsolute) return `/${joined}`;
  return joined === "" ? "." : joined;
}

/** Components; a leading "/" is a component of its own, so that anchored patterns need no special case in the middle. */
function split(path: string): string[] {
  const components = path.split("/");
  if (components[0] === "") components[0] = root;
  return components;
}

/** All patterns in order: a plain one adds to what is selected, a negated one takes away. */
function matchList(patterns: readonly Pattern[], hasNegated: boolean, path: readonly string[]): PatternMatch {
  let matched = false;
  let childMayMatch = false;
  for (const pattern of patterns) {
    const isHit = matches(pattern, path);
    if (pattern.isNegated) {
      matched &&= !isHit;
      childMayMatch &&= !isHit;
    } else {
      matched ||= isHit;
      childMayMatch ||= childMatches(pattern, path);
      if (matched && childMayMatch && !hasNegated) break;
    }
  }
  return { matched, childMayMatch };
}

function matches(pattern: Pattern, path: readonly string[]): boolean {
  return pattern.anyDepthAt < 0 ? matchesFlat(pattern.parts, path) : matchesAnyDepth(pattern.parts, path);
}

/** Replaces the first "**" by nothing, by one "*", by two and so on, as long as the path has components for it. */
function matchesAnyDepth(parts: readonly Part[], path: readonly string[]): boolean {
  const at = parts.findIndex((part) => part.isAnyDepth);
  if (at < 0) return matchesFlat(parts, path);
  const before = parts.slice(0, at);
  const after = parts.slice(at + 1);
  // Cheap way out: the anchored beginning does not fit, so no expansion will.
  if (before[0]?.text === root && !matchesFlat(before, path)) return false;
  for (let count = 0; count <= path.length - parts.length + 1; count++) {
    const middle = new Array<Part>(count).fill(anyOne);
    if (matchesAnyDepth([...before, ...middle, ...after], path)) return true;
  }
  return false;
}

/**
 * A pattern fits where its components stand one after the other in the path, at its beginning when it is anchored,
 * anywhere otherwise; what follows in the path does not matter, so a directory's match covers its children.
 */
function matchesFlat(parts: readonly Part[], path: readonly string[]): boolean {
  if (parts.length === 0) return path.length === 0;
  const isAnchored = parts[0]?.text === root;
  const first = !isAnchored && path[0] === root ? 1 : 0;
  const last = isAnchored ? 0 : path.length - parts.length;
  if (parts.length > path.length) return false;
  for (let offset = last; offset >= first; offset--) {
    if (fitsAt(parts, path, offset)) return true;
  }
  return false;
}

function fitsAt(parts: readonly Part[], path: readonly string[], offset: number): boolean {
  for (let index = parts.length - 1; index >= 0; index--) {
    const { text, glob } = parts[index] as Part;
    const component = path[offset + index] as string;
    if (glob === undefined ? text !== component : !matchGlob(glob, component)) return false;
  }
  return true;
}

/** A pattern that is not anchored may match at any depth; an anchored one needs its beginning to fit. */
function childMatches(pattern: Pattern, path: readonly string[]): boolean {
  if (!pattern.isAnchored) return true;
  const { anyDepthAt, parts } = pattern;
  const known = anyDepthAt >= 0 && path.length >= anyDepthAt ? path.slice(0, anyDepthAt) : path;
  const length = Math.min(known.length, parts.length);
  return matchesAnyDepth(parts.slice(0, length), known);
}
