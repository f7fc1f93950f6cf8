// Lower case of raw bytes, for patterns that ignore case: every UTF-8 character by itself, as Go's strings.ToLower does it;
// each byte that is no UTF-8 becomes U+FFFD, so all of them are equal, as they are to restic.

const replacement = Buffer.from("\ufffd");
const decoder = new TextDecoder("utf-8", { fatal: true });

/** @param text one character per byte, and so is the result. */
export function lowerCaseBytes(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat(pieces(bytes)).toString("latin1");
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** Characters and stray bytes in order: the longest valid character at each position, of at most 4 bytes. */
function pieces(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const length = characterLength(bytes, start);
    const piece = bytes.subarray(start, start + length);
    found.push(length === 0 ? replacement : Buffer.from(lowerCase(piece.toString())));
    start += Math.max(length, 1);
  }
  return found;
}

function characterLength(bytes: Buffer, start: number): number {
  for (let length = 1; length <= 4 && start + length <= bytes.length; length++) {
    try {
      decoder.decode(bytes.subarray(start, start + length));
      return length;
    } catch {
      // Incomplete so far, or no UTF-8 at all.
    }
  }
  return 0;
}

/** One to one: where the full mapping gives several characters (U+0130), the first is Go's answer. */
function lowerCase(character: string): string {
  return String.fromCodePoint(character.toLowerCase().codePointAt(0) as number);
}
