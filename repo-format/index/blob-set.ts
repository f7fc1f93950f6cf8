// A set of indexed blobs: one bit for each entry of the index, so ten million blobs cost 1.25 MB.
import { RepositoryError } from "../errors.ts";
import type { BlobType } from "../format/blob.ts";
import type { BlobId } from "../format/id.ts";
import type { BlobIndex } from "./blob-index.ts";

export class BlobSet {
  readonly #index: BlobIndex;
  readonly #epoch: number;
  #bits: Uint8Array;
  #count = 0;

  /** For the blobs that the index knows, now or later; of no use any more once its table was built anew. */
  constructor(index: BlobIndex) {
    this.#index = index;
    this.#epoch = index.table.epoch;
    this.#bits = new Uint8Array(Math.ceil(index.table.count / 8));
  }

  /** Another set with the same blobs. */
  copy(): BlobSet {
    const copy = new BlobSet(this.#index);
    copy.#bits = Uint8Array.from(this.#bits);
    copy.#count = this.#count;
    return copy;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns "added", "present" when it was there before, "unknown" when the index does not know the blob. */
  add(type: BlobType, id: BlobId): "added" | "present" | "unknown" {
    const position = this.#positionOf(type, id);
    if (position < 0) return "unknown";
    const bit = 1 << (position & 7);
    const byte = this.#bits[position >>> 3] ?? 0;
    if ((byte & bit) !== 0) return "present";
    if (position >>> 3 >= this.#bits.length) this.#enlarge(position);
    this.#bits[position >>> 3] = byte | bit;
    this.#count++;
    return "added";
  }

  has(type: BlobType, id: BlobId): boolean {
    return this.hasPosition(this.#positionOf(type, id));
  }

  /** @param position of `BlobIndex.positionOf`. */
  hasPosition(position: number): boolean {
    return position >= 0 && ((this.#bits[position >>> 3] ?? 0) & (1 << (position & 7))) !== 0;
  }

  #positionOf(type: BlobType, id: BlobId): number {
    if (this.#index.table.epoch !== this.#epoch) {
      throw new RepositoryError("index-incomplete", "the index was rebuilt while blobs were being counted");
    }
    return this.#index.positionOf(type, id);
  }

  #enlarge(position: number): void {
    const larger = new Uint8Array(Math.max(this.#bits.length * 2, (position >>> 3) + 1024));
    larger.set(this.#bits);
    this.#bits = larger;
  }
}
