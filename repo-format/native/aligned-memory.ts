// Memory at addresses that the kernel can move to and from a disk by itself (open(2), O_DIRECT). V8 places buffers 16 bytes
// behind a page's start, so these lie inside of slightly larger ones.
import { type Libc, libc } from "./libc.ts";

/** What every file system that has direct input and output accepts for addresses, offsets and lengths. */
export const alignmentBytes: number = 4096;

/** Uninitialised memory that is aligned where addresses can be known; its ArrayBuffer is its own, but longer. */
export function allocateAligned(bytes: number): Buffer<ArrayBuffer> {
  if (libc === undefined) return Buffer.allocUnsafeSlow(bytes);
  const room = Buffer.allocUnsafeSlow(bytes + alignmentBytes);
  const start = (alignmentBytes - misalignment(libc, room)) % alignmentBytes;
  return room.subarray(start, start + bytes);
}

/** Whether the memory's first byte lies at an aligned address; false where addresses cannot be known. */
export function isAligned(memory: Uint8Array): boolean {
  return libc !== undefined && memory.length > 0 && misalignment(libc, memory) === 0;
}

function misalignment({ addressOf }: Libc, memory: Uint8Array): number {
  return Number(addressOf(memory) % BigInt(alignmentBytes));
}

/** Node's own pool and small parts of something larger never pass for memory of their own. */
const leastOwnedBytes: number = 64 * 1024;

/**
 * Whether the memory belongs to these bytes alone, so that it may be transferred or freed: all of an ArrayBuffer, but for
 * what alignment left over before and behind. Callers know that nobody else was given a part of it.
 */
export function ownsMemory(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached || bytes.byteLength === 0) return false;
  const left = buffer.byteLength - bytes.byteLength;
  return left === 0 || (bytes.byteLength >= leastOwnedBytes && left < 3 * alignmentBytes);
}

/** What file systems say to direct access that they do not have, or not with this alignment. */
export function isDirectRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EINVAL" || code === "ENOTSUP" || code === "EOPNOTSUPP";
}
