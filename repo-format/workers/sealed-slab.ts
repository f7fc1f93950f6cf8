// In the worker: sealed blobs are written one behind the other into a slab, which is transferred when it is full. One slab
// a few megabytes long carries many small blobs in one message; a big one has room for at least one blob of any size.
import type { BlobType } from "../format/blob.ts";
import { idBytes } from "../format/id.ts";
import { type SealedColumns, sealedNumbers } from "./messages.ts";

/** Large enough to make messages rare, small enough that blobs go out while the rest of a task is still worked on. */
const slabBytes: number = 2 * 1024 * 1024;
/** With room for the blob that fills it: all slabs of this size can be used again. */
const reusableBytes: number = 3 * 1024 * 1024;
/** As many as are under way for one thread at a time. */
const mostSpares = 3;

/** Slabs that came back, for the thread's next ones. */
export class SpareSlabs {
  readonly #spares: ArrayBuffer[] = [];

  take(bytes: number): Buffer<ArrayBuffer> | undefined {
    if (bytes > reusableBytes) return undefined;
    const spare = this.#spares.pop();
    return spare && Buffer.from(spare);
  }

  give(slab: ArrayBuffer): void {
    if (slab.byteLength === reusableBytes && this.#spares.length < mostSpares) this.#spares.push(slab);
    else slab.transfer(0);
  }

  /** The run is over: the next one may be far away. */
  clear(): void {
    for (const spare of this.#spares.splice(0)) spare.transfer(0);
  }
}

export interface SealedSlabOptions {
  readonly type: BlobType;
  /** What the task may produce: no slab is larger, unless it is one that can be used again. */
  readonly expectedBytes: number;
  readonly spares: SpareSlabs;
  readonly send: (columns: SealedColumns, transfer: ArrayBuffer[]) => void;
}

export class SealedSlab {
  readonly #type: BlobType;
  readonly #send: SealedSlabOptions["send"];
  readonly #spares: SpareSlabs;
  #expectedBytes: number;
  #slab: Buffer<ArrayBuffer> | undefined;
  #usedBytes = 0;
  #ids: Uint8Array[] = [];
  #numbers: number[] = [];

  constructor({ type, expectedBytes, spares, send }: SealedSlabOptions) {
    this.#type = type;
    this.#expectedBytes = expectedBytes;
    this.#spares = spares;
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

  /** A new slab's end is never touched, so memory that stays unused is not taken from the system. */
  #startSlab(bytes: number): void {
    this.flush();
    const isLarge = this.#expectedBytes >= slabBytes;
    const newBytes = Math.max(bytes, isLarge ? reusableBytes : Math.min(slabBytes + bytes, this.#expectedBytes));
    this.#slab = (isLarge ? this.#spares.take(bytes) : undefined) ?? Buffer.allocUnsafeSlow(newBytes);
    this.#usedBytes = 0;
  }
}
