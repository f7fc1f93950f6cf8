// A list of names that grows in one piece of memory: 4 bytes a name and its own.
import { type Uint8Column, type Uint32Column, u8, u32 } from "./column.ts";

const mostBytes: number = 2 ** 32 - 1;

export class NameColumn {
  readonly #bytes: Uint8Column = u8();
  readonly #ends: Uint32Column = u32();

  get length(): number {
    return this.#ends.length;
  }

  /** @param name raw bytes as latin1. */
  push(name: string): void {
    if (this.#bytes.length + name.length > mostBytes) throw new RangeError("bug: names of more than 4 GiB");
    this.#bytes.pushAll(new Uint8Array(Buffer.from(name, "latin1")));
    this.#ends.push(this.#bytes.length);
  }

  /** Raw bytes as latin1. */
  get(row: number): string {
    const { start, end } = this.#place(row);
    const { buffer, byteOffset } = this.#bytes.array;
    return Buffer.from(buffer, byteOffset + start, end - start).toString("latin1");
  }

  /** A copy. */
  bytes(row: number): Buffer {
    const { start, end } = this.#place(row);
    return Buffer.from(this.#bytes.array.subarray(start, end));
  }

  #place(row: number): { start: number; end: number } {
    return { start: row === 0 ? 0 : this.#ends.get(row - 1), end: this.#ends.get(row) };
  }
}
