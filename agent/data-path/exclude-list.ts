// The text of an exclude annotation → restic's patterns, one a line or separated by commas.

import { compilePatterns } from "../../repo-format/index.ts";

/** A comma that belongs to a pattern has a backslash before it, which restic's language takes for the comma itself. */
const onePattern = /(?:\\.|[^\\,])+\\?/gs;

/**
 * Blank lines and lines that begin with "#" do not count.
 * @throws RepositoryError "pattern-malformed", naming the pattern
 */
export function parseExcludeList(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => !line.trimStart().startsWith("#"));
  const patterns = lines
    .flatMap((line) => line.match(onePattern) ?? [])
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== "");
  compilePatterns(patterns);
  return patterns;
}
