// JSON text as Go's encoder writes it, with its HTML escapes: trees must come out byte for byte as restic writes them.
import { decodeRune, invalidByte, runeLength } from "./utf8.ts";

const plainText = /^[ !#-%'-;=?-[\]-~]*$/;

/** True when every character is ASCII and stands for itself in Go's JSON and in restic's quoted names. */
export function isPlainAscii(text: string): boolean {
  return plainText.test(text);
}

/** Go's JSON string for a text, with its quotes. Lone surrogates, which Go cannot have, become U+FFFD. */
export function jsonString(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  return `"${escapeText(text.toWellFormed())}"`;
}

/** Go's JSON string for raw bytes, without quotes: each byte that is not UTF-8 becomes the six characters `\ufffd`. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  let validFrom = 0;
  for (let at = 0; at < bytes.length; ) {
    const rune = decodeRune(bytes, at);
    if (rune === invalidByte) {
      text += `${escapeText(utf8Slice(bytes, validFrom, at))}\\ufffd`;
      validFrom = at + 1;
    }
    at += runeLength(rune);
  }
  return text + escapeText(utf8Slice(bytes, validFrom, bytes.length));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are what gets escaped
const special = /["\\<>&\u0000-\u001f\u2028\u2029]/g;

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function escapeText(text: string): string {
  return text.replace(special, (character) => {
    const code = character.charCodeAt(0);
    return shortEscapes[character] ?? `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

function utf8Slice(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}
