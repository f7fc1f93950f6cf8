// Trees on their way to a thread: copied one behind the other into memory that is handed over as a whole, so that a tree
// costs no memory of its own.
import { type BlobId, idBytes } from "../format/id.ts";
import type { PlaintextBatch } from "../workers/messages.ts";

/** A batch is sent when the next tree does not fit any more, or when it has so many. */
const batchBytes: number = 1024 * 1024;
const batchTrees = 1024;

export class TreeBatch {
  readonly ids: BlobId[] = [];
  readonly #ends: number[] = [];
  /** What is not written to is not taken from the system. */
  readonly #memory: Buffer<ArrayBuffer>;
  #bytes = 0;

  /** @param firstBytes the first tree's: a large one has a batch of its own. */
  constructor(firstBytes: number) {
    this.#memory = Buffer.allocUnsafeSlow(Math.max(firstBytes, batchBytes));
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.#memory.length && this.ids.length < batchTrees;
  }

  add(id: BlobId, tree: Uint8Array): void {
    this.#memory.set(tree, this.#bytes);
    this.#bytes += tree.length;
    this.ids.push(id);
    this.#ends.push(this.#bytes);
  }

  /** The trees one by one, in memory that the batch keeps. */
  *trees(): Generator<Buffer> {
    let start = 0;
    for (const end of this.#ends) {
      yield this.#memory.subarray(start, end);
      start = end;
    }
  }

  /** For the thread, which takes over the memory. */
  plaintexts(): PlaintextBatch {
    const ids = Buffer.allocUnsafeSlow(this.ids.length * idBytes);
    for (const [index, id] of this.ids.entries()) ids.write(id, index * idBytes, "hex");
    return { type: "tree", bytes: this.#memory.subarray(0, this.#bytes), ends: Uint32Array.from(this.#ends), ids };
  }
}
