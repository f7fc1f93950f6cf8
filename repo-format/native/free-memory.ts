// Gives the memory of large buffers back at once. Waiting for the garbage collector, which does not see what lies outside of
// its heap until there is a lot of it, would keep a hundred megabytes more in each thread.
import { ownsMemory } from "./aligned-memory.ts";

/**
 * Frees the memory that `bytes` has to itself; a view of a part, or of shared memory, is left alone. Nobody may use `bytes`
 * afterwards.
 */
export function freeMemory(bytes: Uint8Array): void {
  if (ownsMemory(bytes)) bytes.buffer.transfer(0);
}
