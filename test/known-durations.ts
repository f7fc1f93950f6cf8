// How long each test file took the last time, kept outside of the tree: the runner begins with the longest. Nothing
// depends on it but the order.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export class KnownDurations {
  readonly #path: string;
  readonly #msOfFile: Map<string, number>;

  constructor(path: string) {
    this.#path = path;
    this.#msOfFile = new Map(Object.entries(readDurations(path)));
  }

  /** Files that never ran come first: they may be the longest. */
  longestFirst<T extends { readonly file: string }>(queue: readonly T[]): T[] {
    const msOf = ({ file }: T): number => this.#msOfFile.get(file) ?? Number.MAX_VALUE;
    return queue.toSorted((a, b) => msOf(b) - msOf(a));
  }

  note(file: string, durationMs: number): void {
    this.#msOfFile.set(file, Math.round(durationMs));
  }

  save(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(this.#path, JSON.stringify(Object.fromEntries(this.#msOfFile)));
    } catch {
      // A tree that cannot be written to is tested in any order.
    }
  }
}

function readDurations(path: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
  } catch {
    return {};
  }
}
