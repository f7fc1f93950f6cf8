// Which paths are left out, by pattern and by name: decided where the source is walked, and where it is listed ahead.
import { compilePatterns, type Patterns } from "./patterns.ts";

/** Can be sent to a thread. */
export interface PathExcludes {
  /** restic's pattern language. */
  readonly patterns?: readonly string[];
  readonly insensitivePatterns?: readonly string[];
  /** Absolute paths that are left out with all that is in them. */
  readonly paths?: readonly string[];
}

export class ExcludedPaths {
  readonly #patterns: readonly Patterns[];
  readonly #paths: ReadonlySet<string>;
  /** A look at the length saves most paths the look-up: it would have to hash each of them. */
  readonly #pathLengths: ReadonlySet<number>;

  /** @throws RepositoryError "pattern-malformed". */
  constructor({ patterns = [], insensitivePatterns = [], paths = [] }: PathExcludes) {
    const compiled = [compilePatterns(patterns), compilePatterns(insensitivePatterns, { insensitive: true })];
    this.#patterns = compiled.filter((list) => !list.isEmpty);
    this.#paths = new Set(paths.map((path) => Buffer.from(path).toString("latin1")));
    this.#pathLengths = new Set([...this.#paths].map((path) => path.length));
  }

  /** @param path absolute, one character per byte. */
  has(path: string): boolean {
    if (this.#pathLengths.has(path.length) && this.#paths.has(path)) return true;
    for (const patterns of this.#patterns) if (patterns.match(path).matched) return true;
    return false;
  }
}
