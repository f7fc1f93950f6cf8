// Owner, mode and time of many files in 16 bytes each: few combinations of owner and mode occur in one snapshot.
import type { PlainMetadata } from "../file-tree/plain-metadata.ts";
import { f64, u32 } from "./column.ts";

type Attributes = Pick<PlainMetadata, "mode" | "uid" | "gid">;

export class PlainMetadataTable {
  /** Number of the row's attributes + 1; 0: none. */
  readonly #attributes = u32();
  readonly #seconds = f64();
  readonly #nanoseconds = u32();
  readonly #known: Attributes[] = [];
  readonly #numbers = new Map<string, number>();

  /** Adds a row. */
  push(metadata: PlainMetadata | undefined): void {
    this.#attributes.push(0);
    this.#seconds.push(0);
    this.#nanoseconds.push(0);
    if (metadata !== undefined) this.set(this.#attributes.length - 1, metadata);
  }

  set(row: number, metadata: PlainMetadata): void {
    this.#attributes.set(row, this.#numberOf(metadata) + 1);
    this.#seconds.set(row, metadata.seconds);
    this.#nanoseconds.set(row, metadata.nanoseconds);
  }

  has(row: number): boolean {
    return this.#attributes.get(row) > 0;
  }

  get(row: number): PlainMetadata | undefined {
    const known = this.#known[this.#attributes.get(row) - 1];
    if (known === undefined) return undefined;
    return { ...known, seconds: this.#seconds.get(row), nanoseconds: this.#nanoseconds.get(row) };
  }

  #numberOf({ mode, uid, gid }: Attributes): number {
    const key = `${mode} ${uid} ${gid}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#known.push({ mode, uid, gid }) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}
