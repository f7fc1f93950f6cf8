// Zeros in what is written: a restored file keeps holes where its blocks would hold nothing else.

/** Unit in which file systems keep holes. */
const blockBytes = 4096;
const zeros: Buffer = Buffer.alloc(blockBytes);

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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
