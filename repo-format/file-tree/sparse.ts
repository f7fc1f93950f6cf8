// Zero bytes: finding them fast, so that restored files get holes, and the two all-zero chunks whose ids are known.
import { fstatSync } from "node:fs";
import { systemCalls } from "./system-calls.ts";

const zeros = Buffer.alloc(1024 * 1024);
/** Unit in which file systems keep holes. */
const blockBytes = 4096;

/** True when every byte is zero; compares in blocks of 1 MiB at memcmp's speed. */
export function isZero(bytes: Uint8Array): boolean {
  const buffer = asBuffer(bytes);
  for (let start = 0; start < buffer.length; start += zeros.length) {
    const end = Math.min(start + zeros.length, buffer.length);
    if (zeros.compare(buffer, start, end, 0, end - start) !== 0) return false;
  }
  return true;
}

/** A part of a file: bytes, or a hole that reads as zeros. */
export interface Segment {
  readonly offset: number;
  readonly length: number;
  readonly isHole: boolean;
}

/**
 * The parts of `bytes` that must be written when it goes to `fileOffset` of a file that is a hole there: everything but
 * whole aligned blocks of zeros.
 * @returns offsets into `bytes`, ascending.
 */
export function nonZeroParts(
  bytes: Uint8Array,
  fileOffset: number,
): { readonly start: number; readonly end: number }[] {
  const buffer = asBuffer(bytes);
  const parts: { start: number; end: number }[] = [];
  let partStart = -1;
  for (let start = 0; start < buffer.length; ) {
    const end = Math.min(start + blockBytes - ((fileOffset + start) % blockBytes), buffer.length);
    const isHole = zeros.compare(buffer, start, end, 0, end - start) === 0;
    if (!isHole && partStart < 0) partStart = start;
    if (isHole && partStart >= 0) {
      parts.push({ start: partStart, end: start });
      partStart = -1;
    }
    start = end;
  }
  if (partStart >= 0) parts.push({ start: partStart, end: buffer.length });
  return parts;
}

/** True when the file takes less room than its size, so that asking for holes is worth the calls. */
export function mayHaveHoles(stat: { readonly size: bigint; readonly blocks: bigint }): boolean {
  return stat.blocks * 512n < stat.size;
}

/**
 * Data and holes of a file in order, covering it from 0 to its present size. Where the file system cannot tell, one segment
 * of data.
 */
export function segmentsOf(fd: number): Segment[] {
  const size = fstatSync(fd).size;
  const segments: Segment[] = [];
  for (let offset = 0; offset < size; ) {
    const found = systemCalls.seekData(fd, offset);
    const data = found < 0 ? size : Math.min(found, size);
    if (data > offset) segments.push({ offset, length: data - offset, isHole: true });
    if (data >= size) break;
    const hole = Math.min(Math.max(systemCalls.seekHole(fd, data), data + 1), size);
    segments.push({ offset: data, length: hole - data, isHole: false });
    offset = hole;
  }
  return segments;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
