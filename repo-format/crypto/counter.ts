// The counter of counter mode: a 128-bit big-endian number that wraps around.

export const counterBytes = 16;
export const blockBytes = 16;

/** Blocks of key stream that so many bytes take. */
export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}

/** Adds to the number in place. @param blocks below 2^48. */
export function advanceCounter(counter: Uint8Array, blocks: number): void {
  let carry = blocks;
  for (let at = counterBytes - 1; at >= 0 && carry > 0; at--) {
    const sum = (counter[at] as number) + carry;
    counter[at] = sum % 256;
    carry = Math.floor(sum / 256);
  }
}

/** From the end, where counters differ first. */
export function isSameCounter(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = counterBytes - 1; at >= 0; at--) if (a[at] !== b[at]) return false;
  return true;
}
