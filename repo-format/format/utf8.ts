// UTF-8 as Go sees it: which bytes form a valid code point and which single bytes are invalid. Surrogates, overlong forms
// and code points above U+10FFFF are invalid, byte by byte.

/** What `decodeRune` returns for a byte that starts no valid sequence. */
export const invalidByte = -1;

/**
 * The code point at `at`, or `invalidByte`. Its length in bytes follows from its value, see `runeLength`.
 * @see Unicode 15, table 3-7 (well-formed byte sequences)
 */
export function decodeRune(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return invalidByte;
  const second = bytes[at + 1] ?? 0;
  if (first < 0xe0) return isContinuation(second) ? ((first & 0x1f) << 6) | (second & 0x3f) : invalidByte;
  const third = bytes[at + 2] ?? 0;
  if (first < 0xf0) {
    const lowest = first === 0xe0 ? 0xa0 : 0x80;
    const highest = first === 0xed ? 0x9f : 0xbf;
    if (second < lowest || second > highest || !isContinuation(third)) return invalidByte;
    return ((first & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f);
  }
  const fourth = bytes[at + 3] ?? 0;
  const lowest = first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest || !isContinuation(third) || !isContinuation(fourth)) return invalidByte;
  return ((first & 0x07) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f);
}

/** Bytes that a code point takes; 1 for `invalidByte`. */
export function runeLength(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x1_0000 ? 3 : 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
