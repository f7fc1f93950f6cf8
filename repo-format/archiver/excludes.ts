// What a backup leaves out: by pattern, by size, and the contents of directories that carry a mark (CACHEDIR.TAG, or a
// file of any name). Targets that were named themselves are never left out.
import { RepositoryError } from "../errors.ts";
import type { DirectoryHandle } from "../file-tree/directory-handle.ts";
import { ExcludedPaths, type PathExcludes } from "../file-tree/excluded-paths.ts";
import { statChild } from "../file-tree/node-metadata.ts";
import { closeAfterReading, openForReading, readFully } from "../file-tree/read-file.ts";

/** What a backup leaves out. Explicit targets are never left out. */
export interface ExcludeOptions {
  /** restic's pattern language; recorded in the snapshot. */
  readonly patterns?: readonly string[];
  readonly insensitivePatterns?: readonly string[];
  /** `name` or `name:header`: a directory that has such a file is stored without its other entries. */
  readonly ifPresent?: readonly string[];
  /** The same for directories with a CACHEDIR.TAG (https://bford.info/cachedir/). */
  readonly caches?: boolean;
  /** Absolute paths that are left out with all that is in them; not recorded. */
  readonly paths?: readonly string[];
  /** Files of more bytes are left out. */
  readonly largerThanBytes?: number;
}

/** A directory with this file keeps only it. */
interface Mark {
  /** One character per byte. */
  readonly name: string;
  readonly header: Buffer;
}

const cacheMark = "CACHEDIR.TAG:Signature: 8a477f597d28d172789f06886806bc55";

export class Excluder {
  /** What the paths are compared with, to be sent to others. */
  readonly pathExcludes: PathExcludes;
  readonly #paths: ExcludedPaths;
  readonly #marks: readonly Mark[];
  readonly #largerThanBytes: number;

  /** @throws RepositoryError "pattern-malformed", also for a mark without a name. */
  constructor(options: ExcludeOptions = {}) {
    const { patterns = [], insensitivePatterns = [], paths = [], ifPresent = [], caches = false } = options;
    this.pathExcludes = { patterns, insensitivePatterns, paths };
    this.#paths = new ExcludedPaths(this.pathExcludes);
    this.#marks = (caches ? [...ifPresent, cacheMark] : ifPresent).map(parseMark);
    this.#largerThanBytes = options.largerThanBytes ?? Number.POSITIVE_INFINITY;
  }

  /** @param path absolute, one character per byte. */
  excludesPath(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Directories are looked into for marks. */
  get hasMarks(): boolean {
    return this.#marks.length > 0;
  }

  /** @param sizeBytes of anything but a directory. */
  excludesSize(sizeBytes: number): boolean {
    return sizeBytes > this.#largerThanBytes;
  }

  /**
   * The marks that a directory carries, by name; undefined when it has none.
   * @param onWarning a mark that cannot be examined, or has another header: the directory is stored in full.
   */
  marksOf(directory: DirectoryHandle, onWarning: (message: string) => void): readonly string[] | undefined {
    if (this.#marks.length === 0) return undefined;
    const found = this.#marks.filter((mark) => carries(directory, mark, onWarning)).map((mark) => mark.name);
    return found.length === 0 ? undefined : found;
  }
}

/** In a directory with these marks only a mark itself is kept, and only when there is no other one. */
export function excludesByMarks(marks: readonly string[] | undefined, name: string): boolean {
  return marks?.some((mark) => mark !== name) ?? false;
}

/**
 * The patterns of an exclude file: one a line; blank lines and those that begin with "#" do not count.
 * @param variables values for `$NAME` and `${NAME}`, unknown ones vanish; `$$` is a dollar sign.
 */
export function parseExcludeFile(text: string, variables: Readonly<Record<string, string | undefined>>): string[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  const kept = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const expand = (_: string, braced?: string, plain?: string): string => {
    const name = braced ?? plain ?? "";
    return name === "$" ? "$" : (variables[name] ?? "");
  };
  return kept.map((line) => line.replace(/\$(?:\{([^}]*)\}|(\$|[A-Za-z0-9_]+))/g, expand));
}

function parseMark(spec: string): Mark {
  const bytes = Buffer.from(spec);
  const colon = bytes.indexOf(":");
  const name = colon < 0 ? bytes : bytes.subarray(0, colon);
  if (name.length === 0) {
    throw new RepositoryError("pattern-malformed", `"${spec}" names no file whose presence excludes a directory`);
  }
  return { name: name.toString("latin1"), header: colon < 0 ? Buffer.alloc(0) : bytes.subarray(colon + 1) };
}

function carries(directory: DirectoryHandle, mark: Mark, onWarning: (message: string) => void): boolean {
  const name = Buffer.from(mark.name, "latin1");
  try {
    statChild(directory, name);
    if (mark.header.length === 0) return true;
    if (readStart(directory, name, mark.header.length).equals(mark.header)) return true;
    onWarning(`the tag file ${name.toString()} has another header: the directory is not excluded`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT") onWarning(`the tag file ${name.toString()} could not be examined: ${message}`);
  }
  return false;
}

function readStart(directory: DirectoryHandle, name: Buffer, length: number): Buffer {
  const { fd } = openForReading(directory, name);
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readFully(fd, bytes, 0));
  } finally {
    closeAfterReading(fd);
  }
}
