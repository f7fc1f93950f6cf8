// One component of a pattern: Go's filepath.Match, on raw bytes. Strings here have one character per byte (latin1), but `?`
// and classes take whole UTF-8 characters, as in Go; a byte that is no UTF-8 counts as one character.

/** Go's utf8.RuneError: what a byte that is no UTF-8 reads as. */
const runeError = 0xfffd;

type Token =
  | { readonly kind: "byte"; readonly code: number }
  | { readonly kind: "any" }
  | { readonly kind: "star" }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** A compiled component. */
export type Glob = readonly Token[];

/** @returns undefined when the component is malformed: an unclosed or empty class, a range without an end, a last `\`. */
export function compileGlob(pattern: string): Glob | undefined {
  const tokens: Token[] = [];
  for (let position = 0; position < pattern.length; ) {
    const character = pattern[position];
    if (character === "*") {
      if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
      position++;
    } else if (character === "?") {
      tokens.push({ kind: "any" });
      position++;
    } else if (character === "[") {
      const parsed = parseClass(pattern, position + 1);
      if (parsed === undefined) return undefined;
      tokens.push(parsed.token);
      position = parsed.end;
    } else {
      if (character === "\\") position++;
      if (position >= pattern.length) return undefined;
      tokens.push({ kind: "byte", code: pattern.charCodeAt(position) });
      position++;
    }
  }
  return tokens;
}

function parseClass(pattern: string, start: number): { token: Token; end: number } | undefined {
  const negated = pattern[start] === "^";
  const ranges: (readonly [number, number])[] = [];
  for (let position = negated ? start + 1 : start; ; ) {
    if (pattern[position] === "]" && ranges.length > 0)
      return { token: { kind: "class", negated, ranges }, end: position + 1 };
    const low = parseClassCharacter(pattern, position);
    if (low === undefined) return undefined;
    let high = low;
    if (pattern[low.end] === "-") {
      const end = parseClassCharacter(pattern, low.end + 1);
      if (end === undefined) return undefined;
      high = end;
    }
    ranges.push([low.rune, high.rune]);
    position = high.end;
  }
}

/** A character of a class must be valid UTF-8, and something must follow it: at least the closing bracket. */
function parseClassCharacter(pattern: string, start: number): { rune: number; end: number } | undefined {
  let position = start;
  if (position >= pattern.length || pattern[position] === "-" || pattern[position] === "]") return undefined;
  if (pattern[position] === "\\") position++;
  if (position >= pattern.length) return undefined;
  const length = runeLength(pattern, position);
  const rune = runeAt(pattern, position, length);
  if (rune === runeError && length === 1) return undefined;
  const end = position + length;
  return end < pattern.length ? { rune, end } : undefined;
}

/** True when the whole of `text` fits. Backtracks to the last star only, so the time is at most pattern × text. */
export function matchGlob(glob: Glob, text: string): boolean {
  let tokenIndex = 0;
  let position = 0;
  let starToken = -1;
  let starPosition = 0;
  for (;;) {
    const token = glob[tokenIndex];
    if (token?.kind === "star") {
      starToken = tokenIndex++;
      starPosition = position;
      continue;
    }
    if (token === undefined && position === text.length) return true;
    const length = token === undefined || position >= text.length ? 0 : matchLength(token, text, position);
    if (length > 0) {
      tokenIndex++;
      position += length;
      continue;
    }
    if (starToken < 0 || starPosition >= text.length) return false;
    // The star takes one byte more and everything after it is tried again. Go also lets a star end inside a character.
    starPosition++;
    tokenIndex = starToken + 1;
    position = starPosition;
  }
}

/** Bytes that a token takes at a position; 0: it does not fit. */
function matchLength(token: Token, text: string, position: number): number {
  if (token.kind === "byte") return text.charCodeAt(position) === token.code ? 1 : 0;
  const length = runeLength(text, position);
  if (token.kind !== "class") return length;
  const rune = runeAt(text, position, length);
  const isInside = token.ranges.some(([low, high]) => low <= rune && rune <= high);
  return isInside !== token.negated ? length : 0;
}

/** Length in bytes of the character at a position; 1 for a byte that begins no valid UTF-8 character. */
function runeLength(text: string, position: number): number {
  const lead = text.charCodeAt(position);
  if (lead < 0x80) return 1;
  const expected = lead >= 0xf5 || lead < 0xc2 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (expected === 1 || position + expected > text.length) return 1;
  for (let index = 1; index < expected; index++) {
    if ((text.charCodeAt(position + index) & 0xc0) !== 0x80) return 1;
  }
  return isShortestForm(lead, text.charCodeAt(position + 1)) ? expected : 1;
}

/** Overlong forms, surrogates and anything above U+10FFFF show in the first two bytes. */
function isShortestForm(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second < 0xa0;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second < 0x90;
  return true;
}

function runeAt(text: string, position: number, length: number): number {
  const lead = text.charCodeAt(position);
  if (length === 1) return lead < 0x80 ? lead : runeError;
  let rune = lead & (0xff >> (length + 1));
  for (let index = 1; index < length; index++) rune = (rune << 6) | (text.charCodeAt(position + index) & 0x3f);
  return rune;
}
