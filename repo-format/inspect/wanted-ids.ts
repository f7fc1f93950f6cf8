// Ids that somebody asks for, in full or by their first digits.

import { RepositoryError } from "../errors.ts";
import type { BlobType } from "../format/blob.ts";
import { type BlobId, isId } from "../format/id.ts";

/** Fewer digits name nothing: they would name too much. */
const minIdDigits = 8;

/** Ids that are looked for, in full or by their first digits. */
export class WantedIds {
  readonly #full = new Set<string>();
  readonly #prefixes = new Set<string>();

  /** @throws RepositoryError "argument-invalid" for what is not 8 to 64 hexadecimal digits. */
  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name);
  }

  get size(): number {
    return this.#full.size + this.#prefixes.size;
  }

  add(name: string): void {
    if (isId(name)) this.#full.add(name);
    else if (name.length >= minIdDigits && name.length < 64 && /^[0-9a-f]+$/.test(name)) this.#prefixes.add(name);
    else throw new RepositoryError("argument-invalid", `"${name}" is no id: give 8 to 64 hexadecimal digits`);
  }

  /** The name under which this id is looked for; undefined when it is not. */
  nameOf(id: string): string | undefined {
    if (this.#full.has(id)) return id;
    for (const prefix of this.#prefixes) if (id.startsWith(prefix)) return prefix;
    return undefined;
  }

  /** Ids that are given in full. */
  get full(): Iterable<BlobId> {
    return this.#full as Set<BlobId>;
  }

  /** True when some are given by their first digits only. */
  get hasPrefixes(): boolean {
    return this.#prefixes.size > 0;
  }
}

/** Data blobs or trees that are looked for; both for the blobs of packs. */
export type WantedBlobs = Readonly<Partial<Record<BlobType, WantedIds>>>;
