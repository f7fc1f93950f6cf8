// Text of unknown origin on a terminal: names from a snapshot may hold escape sequences, which must not reach it, and
// characters that are two columns wide.

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const controls = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const combining = /^(?:\p{M}|\p{Cf})$/u;
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** The text with control and direction characters shown as \xNN or \uNNNN instead of taking effect. */
export function printable(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The text, shortened at its end so that it takes at most so many columns. */
export function fitColumns(text: string, columns: number): string {
  let used = 0;
  let end = 0;
  let endWithMark = 0;
  for (const character of text) {
    used += combining.test(character) ? 0 : wide.test(character) ? 2 : 1;
    if (used > columns) return `${text.slice(0, endWithMark)}…`;
    end += character.length;
    if (used < columns) endWithMark = end;
  }
  return text;
}
