// JSON whose integers survive: beyond 2^53 JavaScript's numbers lose digits, and objects of other people's kinds hold such
// integers (nanoseconds, 64-bit ids). They are kept as raw JSON, which JSON.stringify writes as it was read.

interface RawJsonSupport {
  rawJSON(text: string): unknown;
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Plain parsing is several times faster, so it is the rule; inside of strings a false alarm costs only time. */
const longInteger = /[[:,]\s*-?\d{16}/;

/**
 * @returns what JSON.parse gives, but integers that a number cannot hold are opaque objects for JSON.stringify.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text);
  const keepDigits: SourceReviver = (_key, value, { source = "" }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? (JSON as unknown as RawJsonSupport).rawJSON(source)
      : value;
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}
