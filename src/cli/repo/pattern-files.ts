// Files named on the command line that hold patterns, one a line, as restic reads them.
import { readFile } from "node:fs/promises";
import { UsageError } from "../usage-error.ts";
import { decodeText } from "./password.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The patterns of all files: comments and blank lines dropped, `$VAR` and `${VAR}` replaced, `$$` a dollar sign.
 * @throws UsageError for a file that cannot be read.
 */
export async function readPatternFiles(files: readonly string[] | undefined, variables: Variables): Promise<string[]> {
  const patterns: string[] = [];
  for (const file of files ?? []) {
    for (const raw of (await readText(file)).split("\n")) {
      const line = raw.trim();
      if (line !== "" && !line.startsWith("#")) patterns.push(expandVariables(line, variables));
    }
  }
  return patterns;
}

async function readText(file: string): Promise<string> {
  try {
    return decodeText(await readFile(file));
  } catch (cause) {
    throw new UsageError(`cannot read the pattern file ${file}: ${(cause as Error).message}`);
  }
}

function expandVariables(line: string, variables: Variables): string {
  return line.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar?: string, braced?: string, bare?: string) =>
    dollar !== undefined ? "$" : (variables[braced ?? bare ?? ""] ?? ""),
  );
}
