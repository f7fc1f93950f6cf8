// The blobs of one pack as columns: 45 bytes each, where objects would take 250. Packs of tiny blobs hold a hundred thousand
// of them, four packs are filled at a time, and their entries stay until an index file tells of them.
import type { BlobType, PackedBlob } from "./blob.ts";
import { type BlobId, idBytes } from "./id.ts";

/** Three a blob: offset, sealed and uncompressed length. */
const numberColumns = 3;
const firstRows = 64;

/** What takes a pack's blobs: a list of them, or an array. */
export type PackedBlobs = Pick<readonly PackedBlob[], "length" | typeof Symbol.iterator>;

export class PackedBlobList implements PackedBlobs {
  #ids: Buffer = Buffer.allocUnsafeSlow(firstRows * idBytes);
  #numbers = new Uint32Array(firstRows * numberColumns);
  #isTree = new Uint8Array(firstRows);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add({ type, id, offset, length, uncompressedLength }: PackedBlob): void {
    const row = this.#length;
    if (row === this.#isTree.length) this.#grow();
    this.#ids.write(id, row * idBytes, "hex");
    this.#isTree[row] = type === "tree" ? 1 : 0;
    const at = row * numberColumns;
    this.#numbers[at] = offset;
    this.#numbers[at + 1] = length;
    this.#numbers[at + 2] = uncompressedLength;
    this.#length++;
  }

  at(row: number): PackedBlob {
    const at = row * numberColumns;
    return {
      type: this.#typeAt(row),
      id: this.#ids.toString("hex", row * idBytes, (row + 1) * idBytes) as BlobId,
      offset: this.#numbers[at] ?? 0,
      length: this.#numbers[at + 1] ?? 0,
      uncompressedLength: this.#numbers[at + 2] ?? 0,
    };
  }

  /** Each blob is a new object. */
  *[Symbol.iterator](): ArrayIterator<PackedBlob> {
    for (let row = 0; row < this.#length; row++) yield this.at(row);
  }

  #typeAt(row: number): BlobType {
    return this.#isTree[row] === 1 ? "tree" : "data";
  }

  #grow(): void {
    const rows = this.#isTree.length * 2;
    const ids = Buffer.allocUnsafeSlow(rows * idBytes);
    ids.set(this.#ids);
    const numbers = new Uint32Array(rows * numberColumns);
    numbers.set(this.#numbers);
    const isTree = new Uint8Array(rows);
    isTree.set(this.#isTree);
    this.#ids = ids;
    this.#numbers = numbers;
    this.#isTree = isTree;
  }
}
