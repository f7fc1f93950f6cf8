// FastCDC (Xia et al., USENIX ATC 2016) by fastcdc-wasm, with parameters that are fixed for ever: other cuts would store
// everything once more. 2.3 to 2.9 GB/s on one core. It has no secret; the order of blobs is blurred in the packs.
import { createRequire } from "node:module";
import type { Chunker } from "./chunker.ts";

const minBytes: number = 512 * 1024;
const averageBytes: number = 1024 * 1024;
const maxBytes: number = 8 * 1024 * 1024;

/** The parts of the WebAssembly module that its own wrapper calls; the wrapper copies the input in, out and in again. */
interface FastCdcModule {
  readonly memory: { readonly buffer: ArrayBuffer };
  __wbindgen_add_to_stack_pointer(delta: number): number;
  __wbindgen_malloc(size: number): number;
  __wbindgen_free(pointer: number, size: number): void;
  get_chunks(result: number, input: number, length: number, min: number, average: number, max: number): void;
}

const require = createRequire(import.meta.url);
const { __wasm: wasm } = require("fastcdc-wasm") as { readonly __wasm: FastCdcModule };

/** The chunker of all repositories that this program writes: 512 KiB, 1 MiB, 8 MiB. */
export function createFastCdcChunker(): Chunker {
  return { minBytes, averageBytes, maxBytes, cut, window: inputOf };
}

/** Kept from call to call: input memory inside the module, as large as the largest window so far. */
let inputPointer = 0;
let inputCapacity = 0;

/** Room for the cuts of the largest window: while there is such a piece, the module's memory need not grow. */
const spareBytes: number = 64 * 1024;

function cut(window: Uint8Array, final: boolean): number[] {
  // Nothing to look for: a small file would pay 3 µs to be told so.
  if (window.length <= minBytes) return final && window.length > 0 ? [window.length] : [];
  const ends = cutsOf(window);
  // A cut before the end was found by its hash or by the maximum, both of which look only at bytes before it; so no later
  // byte can change it (test/property/chunker-windows.test.ts tries every length). The last chunk may go on, unless it is
  // as long as a chunk can be.
  const lastBytes = window.length - (ends.at(-2) ?? 0);
  if (!final && lastBytes < maxBytes) ends.pop();
  return ends;
}

function cutsOf(window: Uint8Array): number[] {
  const { buffer } = wasm.memory;
  const isInside = window.buffer === buffer;
  if (!isInside) inputOf(window.length).set(window);
  const pointer = isInside ? window.byteOffset : inputPointer;
  const result = wasm.__wbindgen_add_to_stack_pointer(-16);
  try {
    wasm.get_chunks(result, pointer, window.length, minBytes, averageBytes, maxBytes);
    // Growing moves the memory: the caller would go on with a window that is empty.
    if (isInside && wasm.memory.buffer !== buffer) throw new Error("bug: the chunker's memory grew while it cut");
    const [cuts, count] = new Uint32Array(wasm.memory.buffer, result, 2) as unknown as [number, number];
    // The first offset is the start of the window.
    const ends = Array.from(new Uint32Array(wasm.memory.buffer, cuts + 4, count - 1));
    wasm.__wbindgen_free(cuts, count * 4);
    return ends;
  } finally {
    wasm.__wbindgen_add_to_stack_pointer(16);
  }
}

/** The input memory, grown to at least so many bytes. */
function inputOf(bytes: number): Buffer {
  if (bytes > inputCapacity) {
    if (inputCapacity > 0) wasm.__wbindgen_free(inputPointer, inputCapacity);
    // Should the next line fail, nothing may point to what was freed.
    inputCapacity = 0;
    inputPointer = wasm.__wbindgen_malloc(bytes);
    inputCapacity = bytes;
    wasm.__wbindgen_free(wasm.__wbindgen_malloc(spareBytes), spareBytes);
  }
  return Buffer.from(wasm.memory.buffer, inputPointer, inputCapacity);
}
