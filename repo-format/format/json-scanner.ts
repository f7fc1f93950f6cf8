// Walks JSON bytes in place, for stored files that are too large or too exact for JSON.parse: trees (64-bit numbers, raw
// names) and indexes (millions of entries). The input is hostile: every read is bounded, nesting is limited, and each
// complaint names the byte.
import { type ErrorCode, RepositoryError } from "../errors.ts";

/** Deeper nesting than any stored file needs; skipping a value must not overflow the stack. */
const maxDepth = 200;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

const keywords: Readonly<Record<number, Buffer>> = {
  116: Buffer.from("true"),
  102: Buffer.from("false"),
  110: Buffer.from("null"),
};

export class JsonScanner {
  readonly bytes: Buffer;
  /** The next byte to read. */
  at: number;
  /** Where the string that was read last lies, without its quotes. */
  start: number = 0;
  end: number = 0;
  hasEscapes: boolean = false;
  readonly #code: ErrorCode;
  readonly #what: string;

  /** `code` and `what` ("the index file") go into the errors. */
  constructor(bytes: Uint8Array, code: ErrorCode, what: string) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
    this.#code = code;
    this.#what = what;
  }

  fail(reason: string, at: number = this.at): never {
    throw new RepositoryError(this.#code, `${this.#what} cannot be read: ${reason} at byte ${at}`, {
      details: { offset: at, sizeBytes: this.bytes.length },
    });
  }

  /** The next byte that is not white space, not consumed; -1 at the end. */
  peek(): number {
    const { bytes } = this;
    for (;;) {
      const byte = bytes[this.at];
      if (byte === undefined) return -1;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.at++;
    }
  }

  /** `null` reads as "absent" everywhere, as in Go. */
  tryNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.#skipKeyword(0x6e);
    return true;
  }

  /** Enters an object and reads its first key (see `start`, `end`) and the colon; false when it is empty. */
  enterObject(): boolean {
    this.#expect(openBrace, "an object");
    if (this.peek() === closeBrace) {
      this.at++;
      return false;
    }
    return this.#readKey();
  }

  /** After a value: the next key, or false when the object ended. */
  nextMember(): boolean {
    const byte = this.peek();
    this.at++;
    if (byte === closeBrace) return false;
    if (byte !== comma) this.fail("expected , or }", this.at - 1);
    return this.#readKey();
  }

  /** Enters an array; false when it is empty. */
  enterArray(): boolean {
    this.#expect(openBracket, "an array");
    if (this.peek() !== closeBracket) return true;
    this.at++;
    return false;
  }

  /** After an element: true when another one follows. */
  nextElement(): boolean {
    const byte = this.peek();
    this.at++;
    if (byte === comma) return true;
    if (byte !== closeBracket) this.fail("expected , or ]", this.at - 1);
    return false;
  }

  /** Reads a string; `start`, `end` and `hasEscapes` then tell where it lies. */
  readString(): void {
    this.#expect(quote, "a string");
    const { bytes } = this;
    const size = bytes.length;
    let at = this.at;
    this.start = at;
    this.hasEscapes = false;
    for (; at < size; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        this.end = at;
        this.at = at + 1;
        return;
      }
      if (byte < 0x20) this.fail("a control character stands in a string", at);
      if (byte === backslash) {
        this.hasEscapes = true;
        at++;
      }
    }
    this.fail("a string does not end", this.start);
  }

  /** True when the string that was read last is exactly this ASCII text (without escapes). */
  stringIs(text: Uint8Array): boolean {
    const { bytes, start } = this;
    const length = this.end - start;
    if (text.length !== length || this.hasEscapes) return false;
    for (let index = 0; index < length; index++) if (bytes[start + index] !== text[index]) return false;
    return true;
  }

  /** True when the string that was read last has the same bytes as `length` bytes at `other`, which lies before it. */
  repeats(other: number, length: number): boolean {
    const { bytes, start } = this;
    if (this.end - start !== length) return false;
    for (let index = length - 1; index >= 0; index--) if (bytes[start + index] !== bytes[other + index]) return false;
    return true;
  }

  /** The string that was read last; what is not UTF-8, or a lone surrogate, becomes U+FFFD, as in Go. */
  stringText(): string {
    const text = this.bytes.toString("utf8", this.start, this.end);
    if (!this.hasEscapes) return text;
    try {
      return (JSON.parse(`"${text}"`) as string).toWellFormed();
    } catch {
      // JSON.parse knows only that the string is bad; the place is ours to tell.
      return this.fail("a string has a malformed escape", this.start);
    }
  }

  /** The string that was read last as UTF-8, a copy. */
  stringBytes(): Buffer {
    return Buffer.from(this.stringText(), "utf8");
  }

  /** A whole number from 0 to `max` (at most 2^53 - 1). */
  readUint(max: number): number {
    const start = this.at;
    const digits = this.#scanDigits();
    const value = digits > 16 ? Number.POSITIVE_INFINITY : this.#numberBefore(digits);
    if (value > max) this.fail(`a number above ${max}`, start);
    return value;
  }

  /** A whole number from 0 to 2^64 - 1, without loss. */
  readUint64(): bigint {
    const start = this.at;
    const digits = this.#scanDigits();
    if (digits <= 15) return BigInt(this.#numberBefore(digits));
    if (digits > 20) return this.fail("a number above 2^64 - 1", start);
    const value = BigInt(this.bytes.toString("latin1", this.at - digits, this.at));
    if (value > 0xffff_ffff_ffff_ffffn) this.fail("a number above 2^64 - 1", start);
    return value;
  }

  /** Skips a value of any kind. */
  skipValue(depth: number = 0): void {
    if (depth > maxDepth) this.fail(`more than ${maxDepth} nested values`);
    const byte = this.peek();
    if (byte === quote) this.readString();
    else if (byte === openBrace)
      for (let more = this.enterObject(); more; more = this.nextMember()) this.skipValue(depth + 1);
    else if (byte === openBracket)
      for (let more = this.enterArray(); more; more = this.nextElement()) this.skipValue(depth + 1);
    else if (keywords[byte] !== undefined) this.#skipKeyword(byte);
    else this.#skipNumber();
  }

  /** Only white space may follow. */
  expectEnd(): void {
    if (this.peek() !== -1) this.fail("something follows the value");
  }

  #expect(byte: number, what: string): void {
    if (this.bytes[this.at] !== byte && this.peek() !== byte) this.fail(`expected ${what}`);
    this.at++;
  }

  #readKey(): true {
    this.readString();
    this.#expect(colon, "a colon");
    return true;
  }

  /** The value of the digits that were scanned last; exact up to 15 of them. */
  #numberBefore(digits: number): number {
    const { bytes, at: end } = this;
    let value = 0;
    for (let at = end - digits; at < end; at++) value = value * 10 + ((bytes[at] as number) - 0x30);
    return value;
  }

  /** Moves past the digits of a whole number without a superfluous zero; returns how many there are. */
  #scanDigits(): number {
    const first = this.peek();
    const start = this.at;
    const { bytes } = this;
    let at = start;
    for (let byte = first; byte >= 0x30 && byte <= 0x39; byte = bytes[at] ?? -1) at++;
    const next = bytes[at];
    const isWhole = next !== 0x2e && next !== 0x65 && next !== 0x45;
    if (at === start || !isWhole || (first === 0x30 && at > start + 1)) this.fail("expected a whole number");
    this.at = at;
    return at - start;
  }

  #skipNumber(): void {
    const start = this.at;
    const { bytes } = this;
    let at = start;
    while (at < bytes.length && isNumberByte(bytes[at] as number)) at++;
    // Numbers that are skipped are short; JSON's own grammar judges them.
    const isNumber =
      at - start <= 400 && /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(bytes.toString("latin1", start, at));
    if (!isNumber) this.fail("expected a value", start);
    this.at = at;
  }

  #skipKeyword(first: number): void {
    const keyword = keywords[first] as Buffer;
    const word = this.bytes.subarray(this.at, this.at + keyword.length);
    if (!word.equals(keyword)) this.fail("expected a value");
    this.at += keyword.length;
  }
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45
  );
}
