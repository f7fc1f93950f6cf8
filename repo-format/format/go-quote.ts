// File names in trees: any bytes, written as Go's strconv.Quote does without the outer quotes, so that names that are not
// UTF-8 survive JSON (restic design, *Trees*: "name" is quoted once more before it becomes a JSON string).
import { isPrintable } from "./unicode-15.ts";
import { decodeRune, invalidByte, runeLength } from "./utf8.ts";

const shortEscapes: Readonly<Record<number, string>> = {
  34: '\\"',
  92: "\\\\",
  7: "\\a",
  8: "\\b",
  12: "\\f",
  10: "\\n",
  13: "\\r",
  9: "\\t",
  11: "\\v",
};

/** The quoted text of a raw name, always valid UTF-8. */
export function quoteName(name: Uint8Array): Buffer {
  return Buffer.from(quoteNameText(name), "utf8");
}

/** Like `quoteName`, as a string. */
export function quoteNameText(name: Uint8Array): string {
  let text = "";
  for (let at = 0; at < name.length; ) {
    const rune = decodeRune(name, at);
    text += quoteRune(rune, name[at] as number);
    at += runeLength(rune);
  }
  return text;
}

function quoteRune(rune: number, byte: number): string {
  if (rune === invalidByte) return `\\x${hexDigits(byte, 2)}`;
  const short = shortEscapes[rune];
  if (short !== undefined) return short;
  if (isPrintable(rune)) return String.fromCodePoint(rune);
  if (rune < 0x20 || rune === 0x7f) return `\\x${hexDigits(rune, 2)}`;
  return rune < 0x1_0000 ? `\\u${hexDigits(rune, 4)}` : `\\U${hexDigits(rune, 8)}`;
}

function hexDigits(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

const simpleEscapes: ReadonlyMap<number, number> = new Map(
  [...'abfnrtv\\"'].map((letter, index) => [
    letter.charCodeAt(0),
    [7, 8, 12, 10, 13, 9, 11, 0x5c, 0x22][index] as number,
  ]),
);

/**
 * Undoes `quoteName`: accepts whatever Go's strconv.Unquote accepts between double quotes, octal included.
 * @returns the raw bytes, or undefined when the text is not a quoted name (another program wrote it).
 */
export function unquoteName(quoted: Uint8Array): Buffer | undefined {
  // Every escape is at least as long as the bytes that it stands for.
  const name = Buffer.allocUnsafe(quoted.length);
  let length = 0;
  for (let at = 0; at < quoted.length; ) {
    const byte = quoted[at] as number;
    if (byte === 0x22 || byte === 0x0a) return undefined;
    if (byte !== 0x5c) {
      name[length++] = byte;
      at++;
      continue;
    }
    const escaped = readEscape(quoted, at + 1);
    if (escaped === undefined) return undefined;
    if (escaped.isByte) name[length++] = escaped.value;
    else length += name.write(String.fromCodePoint(escaped.value), length, "utf8");
    at = escaped.end;
  }
  return name.subarray(0, length);
}

interface Escape {
  readonly value: number;
  /** True for escapes of one byte, false for those of one code point. */
  readonly isByte: boolean;
  readonly end: number;
}

function readEscape(quoted: Uint8Array, at: number): Escape | undefined {
  const letter = quoted[at];
  if (letter === undefined) return undefined;
  const simple = simpleEscapes.get(letter);
  if (simple !== undefined) return { value: simple, isByte: true, end: at + 1 };
  if (letter === 0x78) return readDigits(quoted, at + 1, { count: 2, base: 16, isByte: true });
  if (letter === 0x75) return readDigits(quoted, at + 1, { count: 4, base: 16, isByte: false });
  if (letter === 0x55) return readDigits(quoted, at + 1, { count: 8, base: 16, isByte: false });
  if (letter >= 0x30 && letter <= 0x37) return readDigits(quoted, at, { count: 3, base: 8, isByte: true });
  return undefined;
}

function readDigits(
  quoted: Uint8Array,
  at: number,
  form: { readonly count: number; readonly base: 8 | 16; readonly isByte: boolean },
): Escape | undefined {
  const digits = Buffer.from(quoted.subarray(at, at + form.count)).toString("latin1");
  if (digits.length !== form.count || !(form.base === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/).test(digits)) return undefined;
  const value = Number.parseInt(digits, form.base);
  const isSurrogate = value >= 0xd800 && value < 0xe000;
  if (form.isByte ? value > 0xff : value > 0x10_ffff || isSurrogate) return undefined;
  return { value, isByte: form.isByte, end: at + form.count };
}
