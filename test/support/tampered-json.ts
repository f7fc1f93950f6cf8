// JSON with one thing wrong, as somebody who looks for a weak reader would write it.
import type { SeededRandom } from "./seeded-random.ts";

const replacements: readonly string[] = [
  "null",
  "true",
  "[]",
  "{}",
  "-1",
  "0",
  "1.5",
  "1e400",
  "4294967295",
  "4294967296",
  "9007199254740993",
  "18446744073709551615",
  "99999999999999999999999999",
  '""',
  '".."',
  '"a/b"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\\\x00"',
  '"9999-99-99T99:99:99Z"',
  '"0000-01-01T00:00:00Z"',
  `"${"0".repeat(64)}"`,
  `"${"x".repeat(20_000)}"`,
  "[[[[[[[[[[1]]]]]]]]]]",
  '{"a":{"b":{"c":[]}}}',
];

/** Strings, numbers, literals; and everything between brackets that does not nest. */
const valuePattern = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null|\[[^[\]]*\]|\{[^{}]*\}/g;

export function tamperedJson(json: string, random: SeededRandom): Buffer {
  const values = [...json.matchAll(valuePattern)];
  const value = random.pick(values);
  const [start, end] = [value.index, value.index + value[0].length];
  switch (random.integer(0, 6)) {
    case 0:
      return Buffer.from(json.slice(0, random.integer(0, json.length - 1)));
    case 1: {
      const bytes = Buffer.from(json);
      const at = random.integer(0, bytes.length - 1);
      bytes[at] = random.integer(0, 255);
      return bytes;
    }
    case 2:
      // Twice: as a second element, or as a second member where it was one.
      return Buffer.from(`${json.slice(0, end)},${json.slice(start)}`);
    case 3:
      return Buffer.from(json.slice(0, start) + json.slice(end));
    case 4:
      return Buffer.from(json.slice(0, start) + random.pick(values)[0] + json.slice(end));
    default:
      return Buffer.from(json.slice(0, start) + random.pick(replacements) + json.slice(end));
  }
}
