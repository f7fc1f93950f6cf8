// In the worker: sealed blobs are written one behind the other into a slab, which is transferred when it is full. One slab
// a few megabytes long carries many small blobs in one message; a big one has room for at least one blob of any size.
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { type SealedColumns, sealedNumbers } from "./messages.ts";

/** Large enough to make messages rare, small enough that blobs go out while the rest of a task is still worked on. */
const slabBytes: number = 4 * 1024 * 1024;

export class SealedSlab {
  readonly #type: BlobType;
  readonly #send: (columns: SealedColumns, transfer: ArrayBuffer[]) => void;
  /** Bytes that the task may still produce: no slab is larger. */
  #expectedBytes: number;
  #slab: Buffer<ArrayBuffer> | undefined;
  #usedBytes = 0;
  #ids: Uint8Array[] = [];
  #numbers: number[] = [];

  constructor(type: BlobType, expectedBytes: number, send: (columns: SealedColumns, transfer: ArrayBuffer[]) => void) {
    this.#type = type;
    this.#expectedBytes = expectedBytes;
    this.#send = send;
  }

  /** The rest of the current slab, `bytes` long at least; what is written to its beginning is added by `append`. */
  room(bytes: number): Uint8Array {
    if (this.#slab === undefined || this.#slab.length - this.#usedBytes < bytes) this.#startSlab(bytes);
    return (this.#slab as Buffer).subarray(this.#usedBytes);
  }

  append(id: Uint8Array, sealedBytes: number, uncompressedLength: number, plaintextLength: number): void {
    this.#ids.push(id);
    this.#numbers.push(this.#usedBytes, sealedBytes, uncompressedLength, plaintextLength);
    this.#usedBytes += sealedBytes;
    this.#expectedBytes -= sealedBytes;
    if (this.#usedBytes >= slabBytes) this.flush();
  }

  /** Transfers what is there. */
  flush(): void {
    const slab = this.#slab;
    if (slab === undefined || this.#ids.length === 0) return;
    const ids = new Uint8Array(this.#ids.length * idBytes);
    for (const [index, id] of this.#ids.entries()) ids.set(id, index * idBytes);
    const numbers = Uint32Array.from(this.#numbers);
    if (numbers.length !== this.#ids.length * sealedNumbers) throw new Error("bug: a slab's columns differ in length");
    this.#slab = undefined;
    this.#ids = [];
    this.#numbers = [];
    this.#usedBytes = 0;
    const columns = { type: this.#type, slab: slab.subarray(0), ids, numbers };
    this.#send(columns, [slab.buffer, ids.buffer, numbers.buffer]);
  }

  /** The slab's end is never touched, so memory that stays unused is not taken from the system. */
  #startSlab(bytes: number): void {
    this.flush();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(slabBytes + bytes, this.#expectedBytes)));
    this.#usedBytes = 0;
  }
}
