// What a backup is to save: the paths on the command line and those that --files-from and its kin list.
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { expandGlob } from "../../../repo-format/index.ts";
import { UsageError } from "../usage-error.ts";
import { decodeText } from "./password.ts";

export interface SourceFlags {
  readonly filesFrom?: readonly string[];
  readonly filesFromVerbatim?: readonly string[];
  readonly filesFromRaw?: readonly string[];
}

/**
 * All paths; a buffer where a path is not UTF-8.
 * @param onWarning told of a line of --files-from that matches nothing: as in restic no reason for another exit code.
 * @throws UsageError when a list cannot be read or nothing is named at all; RepositoryError for a malformed pattern
 */
export async function collectSources(
  paths: readonly string[],
  flags: SourceFlags,
  onWarning: (message: string) => void,
): Promise<(string | Buffer)[]> {
  const sources: (string | Buffer)[] = paths.map(rawArgument);
  for (const file of flags.filesFrom ?? []) {
    for (const raw of lines(decodeText(await readList(file)))) {
      const line = raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      const found = expandGlob(line).map((path) => (isUtf8(path) ? path.toString() : path));
      if (found.length === 0) onWarning(`the pattern "${line}" of ${file} matches nothing; it is left out`);
      sources.push(...found);
    }
  }
  for (const file of flags.filesFromVerbatim ?? [])
    sources.push(...lines(decodeText(await readList(file))).filter((line) => line !== ""));
  for (const file of flags.filesFromRaw ?? []) sources.push(...rawNames(await readList(file)));
  if (sources.length > 0) return sources;
  throw new UsageError("nothing to back up: name files or directories\n  see: stowage repo backup --help");
}

/** An argument as its bytes where Node's text of it has lost some: names need not be UTF-8. */
function rawArgument(text: string): string | Buffer {
  if (!text.includes("\uFFFD")) return text;
  try {
    const words = splitAtZeros(readFileSync("/proc/self/cmdline"));
    return words.find((word) => word.toString("utf8") === text) ?? text;
  } catch {
    // No /proc: the path will be reported as missing.
    return text;
  }
}

async function readList(file: string): Promise<Buffer> {
  try {
    return file === "-" ? await buffer(process.stdin) : await readFile(file);
  } catch (cause) {
    throw new UsageError(`cannot read the list of files ${file}: ${(cause as Error).message}`);
  }
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.replace(/\r$/, ""));
}

function rawNames(bytes: Buffer): Buffer[] {
  if (bytes.length > 0 && bytes.at(-1) !== 0) throw new UsageError("--files-from-raw: the last name does not end");
  const names = splitAtZeros(bytes);
  if (names.some((name) => name.length === 0)) throw new UsageError("--files-from-raw: a name is empty");
  return names;
}

/** Pieces that each end with a zero byte, without it. */
function splitAtZeros(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0, end = bytes.indexOf(0); end !== -1; start = end + 1, end = bytes.indexOf(0, start))
    pieces.push(bytes.subarray(start, end));
  return pieces;
}
